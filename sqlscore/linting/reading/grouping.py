"""GROUP BY: what rows are put together by."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.linting.reading.aggregates import is_aggregate
from sqlscore.linting.reading.expressions import values_of
from sqlscore.linting.reading.scope import Grouping, Reader, Scope
from sqlscore.linting.reading.scores import scoring
from sqlscore.linting.values import Moment


def group_rows(reader: Reader, scope: Scope, node: exp.Select) -> bool:
    """Put rows together; whether there are groups."""
    group = node.args.get("group")
    calls = [one for one in (*node.expressions, node.args.get("having"), node.args.get("qualify")) if one is not None]
    if group is None and not any(has_aggregate(reader, one) for one in calls):
        return False
    nodes = _keys(reader, node, group)
    values = tuple(values_of(reader, scope, nodes))
    by_user = any("user" in value.tags for value in values)
    found: list[Moment] = []
    own = {moment.var.roots() for moment in scope.grain}
    for value in values:
        # A moment that is a figure of rows, such as the end of a session, is not when the row is of.
        is_own = value.moment is not None and (value.moment.var.is_fixed or value.moment.var.roots() in own)
        if is_own and value.moment is not None and value.moment not in found:
            found.append(value.moment)
    scope.fixed = frozenset(
        place[0] for one in nodes for column in one.find_all(exp.Column) if (place := scope.place(column)) is not None
    )
    scope.grouping = Grouping(values, by_user, bool(found))
    scope.rows = scope.grain
    scope.grain = tuple(found)
    scope.event = False
    scope.note_when()
    if not scope.filtered:  # that a group is there tells no more than that there is a row
        scope.presence = frozenset(read for read in scope.presence if read.origin.kind not in ("scan", "join"))
    return True


def _keys(reader: Reader, node: exp.Select, group: exp.Group | None) -> list[exp.Expr]:
    if group is None:
        return []
    if group.args.get("all"):
        return [_inner(one) for one in node.expressions if not has_aggregate(reader, one)]
    listed = list(group.expressions)
    for sets in ("grouping_sets", "cube", "rollup"):
        for one in group.args.get(sets) or ():
            listed += list(one.expressions)
    found: list[exp.Expr] = []
    for one in listed:
        if isinstance(one, exp.Literal) and not one.is_string and 0 < int(one.name) <= len(node.expressions):
            found.append(_inner(node.expressions[int(one.name) - 1]))
        else:
            name = one.name.casefold() if isinstance(one, exp.Column) and not one.table else None
            aliases = [inner for inner in node.expressions if isinstance(inner, exp.Alias)]
            named = next((inner for inner in aliases if inner.alias.casefold() == name), None)
            found.append(named.this if named is not None and not has_aggregate(reader, named) else one)
    return found


def _inner(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Alias) else node


def has_aggregate(reader: Reader, node: exp.Expr) -> bool:
    """Whether an expression puts rows together, not counting windows and queries inside it."""
    if isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.Window):
        inner = (
            [*node.this.iter_expressions()]
            if not isinstance(node.this, exp.Filter)
            else list(node.this.this.iter_expressions())
        )
        order = node.args.get("order")
        return any(
            has_aggregate(reader, one)
            for one in [*inner, *(node.args.get("partition_by") or ()), *([order] if order else [])]
        )
    called = scoring(reader, node)
    if is_aggregate(reader, node) or (called is not None and not called.startswith("list_")):
        return True
    return any(has_aggregate(reader, one) for one in node.iter_expressions())


def keys_of_groups(node: exp.Select, nodes: dict[str, exp.Expr]) -> tuple[frozenset[str], ...]:
    """The columns that tell the groups apart, if all keys are among the columns."""
    group = node.args.get("group")
    if group is None:
        return (frozenset(),)
    if group.args.get("all"):
        return (frozenset(name for name, one in nodes.items() if not one.find(exp.AggFunc)),)
    names: set[str] = set()
    texts = {_inner(one).sql("duckdb").casefold(): name for name, one in nodes.items()}
    for one in group.expressions:
        if isinstance(one, exp.Literal) and not one.is_string:
            position = int(one.name) - 1
            if not 0 <= position < len(nodes):
                return ()
            names.add(list(nodes)[position])
            continue
        text = one.sql("duckdb").casefold()
        name = text if text in nodes else texts.get(text)
        if name is None and isinstance(one, exp.Column):
            name = next((key for text, key in texts.items() if text.rpartition(".")[2] == one.name.casefold()), None)
        if name is None:
            return ()
        names.add(name)
    return (frozenset(names),)
