"""A query: its rows, from FROM to LIMIT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from sqlscore.linting import words
from sqlscore.linting.observations import Output
from sqlscore.linting.reading.aggregates import note_ordering
from sqlscore.linting.reading.expressions import value_of
from sqlscore.linting.reading.filters import filter_rows, keep_first
from sqlscore.linting.reading.grouping import group_rows, has_aggregate, keys_of_groups
from sqlscore.linting.reading.joins import read_from
from sqlscore.linting.reading.multiplying import repeated_in
from sqlscore.linting.reading.pivots import pivot
from sqlscore.linting.reading.projection import projected
from sqlscore.linting.reading.scope import Reader, Scope, ctes_alone
from sqlscore.linting.reading.splits import note_sample
from sqlscore.linting.reading.unions import union
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import NO_READS, Pick, Read, Value
from sqlscore.linting.zones import NO_FACTS, Facts, without


def read_query(reader: Reader, scope: Scope, node: exp.Expr) -> Relation:
    """The rows of a query.

    Args:
        reader: Knows the file, and notes what it sees.
        scope: A new scope inside that of the query around; it is filled.
        node: SELECT, UNION and the like, a query in parentheses, VALUES.
    """
    _read_with(reader, scope, node)
    if isinstance(node, exp.Subquery):
        found = read_query(reader, scope, node.this)
        return _limited(reader, scope, node, found)
    if isinstance(node, exp.SetOperation):
        return union(reader, scope, node)
    if isinstance(node, exp.Select):
        return _select(reader, scope, node)
    if isinstance(node, (exp.Table, exp.Values)):
        select = exp.Select(expressions=[exp.Star()]).from_(node.copy())
        return _select(reader, scope, select)
    if isinstance(node, exp.Pivot) and isinstance(node.this, exp.Expr):
        return pivot(reader, scope, node)
    return Relation()


def _read_with(reader: Reader, scope: Scope, node: exp.Expr) -> None:
    with_ = node.args.get("with_") or node.args.get("with")
    if not isinstance(with_, exp.With):
        return
    for cte in with_.expressions:
        name = cte.alias.casefold()
        if with_.args.get("recursive"):
            body = cte.this
            first = body.left if isinstance(body, exp.SetOperation) else body
            scope.ctes[name] = read_query(reader, Scope(outer=ctes_alone(scope)), first)
        relation = read_query(reader, Scope(outer=ctes_alone(scope)), cte.this)
        names = [one.name.casefold() for one in cte.args["alias"].columns]
        if names:
            old = list(relation.columns)
            relation.columns = {new: relation.columns[one] for one, new in zip(old, names, strict=False)}
            changed = dict(zip(old, names, strict=False))
            relation.keys = tuple(frozenset(changed.get(one, one) for one in key) for key in relation.keys)
        relation.name = relation.name or cte.alias
        scope.ctes[name] = relation


def _select(reader: Reader, scope: Scope, node: exp.Select) -> Relation:
    def evaluate(inner: exp.Expr) -> Value:
        return value_of(reader, scope, inner)

    read_from(reader, scope, node)
    scope.windows = {one.name.casefold(): one for one in node.args.get("windows") or ()}
    if isinstance(node.args.get("sample"), exp.TableSample):
        note_sample(
            reader, node.args["sample"], Relation(event=scope.event, name=", ".join(t for t, _ in scope.tables))
        )
    where = node.args.get("where")
    _name_aliases_early(reader, scope, node, where)
    filtered = scope.filtered = filter_rows(reader, scope, where, evaluate)
    grouped = group_rows(reader, scope, node)
    if node.args.get("having") is not None:
        scope.aliases |= {
            one.alias.casefold(): evaluate(one.this) for one in node.expressions if isinstance(one, exp.Alias)
        }
        filtered = filter_rows(reader, scope, node.args["having"], evaluate) or filtered
    relation, nodes = projected(reader, scope, node)
    scope.aliases |= relation.columns
    qualify = node.args.get("qualify")
    if qualify is not None:
        filter_rows(reader, scope, qualify, evaluate)
        if scope.picked:
            relation, nodes = projected(reader, scope, node)
    _distinct(reader, scope, node, relation, evaluate)
    relation.grain, relation.event = scope.grain, scope.event
    relation.presence, relation.when = scope.presence, scope.when
    relation.tables, relation.first, relation.last = scope.tables, scope.first, scope.last
    relation.whole = scope.whole if not grouped and not filtered else None
    relation.assured = grouped and not filtered and bool(scope.grouping and scope.grouping.by_user)
    relation.single = grouped and not (scope.grouping and scope.grouping.keys)
    if relation.single and node.args.get("having") is None:
        relation.presence = NO_READS
    relation.facts = _facts_of(scope, relation)
    if not grouped and not scope.picked and node.args.get("distinct") is None:
        relation.repeated = repeated_in(scope)
    if grouped:
        relation.tables, relation.event = (), False
        relation.keys += keys_of_groups(node, nodes)
    found = _limited(reader, scope, node, relation)
    _note_output(reader, node, found, nodes)
    return found


def _facts_of(scope: Scope, relation: Relation) -> Facts:
    """What holds of the moments that the rows show, here and around; the others are not asked about any more."""
    facts = scope.all_facts()
    around = scope.outer.all_facts() if scope.outer is not None else NO_FACTS
    kept = relation.shown() | {var.roots() for fact in around for var in (fact.left, fact.right)}
    for outer in scope.around():
        if outer is not scope:
            kept |= {var for source in outer.sources for var in source.relation.variables()}
    seen = {var.roots() for fact in facts for var in (fact.left, fact.right)}
    return without(facts, {var for var in seen - kept if var.kind == "row"})


def _name_aliases_early(reader: Reader, scope: Scope, node: exp.Select, where: exp.Expr | None) -> None:
    """DuckDB lets WHERE, GROUP BY and later expressions use the names that SELECT gives."""
    wanted = {
        column.name.casefold()
        for clause in (where, node.args.get("group"), node.args.get("qualify"))
        if clause is not None
        for column in clause.find_all(exp.Column)
        if not column.table
    }
    for one in node.expressions:
        name = one.alias.casefold() if isinstance(one, exp.Alias) else ""
        if name in wanted and scope.place(exp.column(name)) is None and not has_aggregate(reader, one):
            scope.aliases[name] = value_of(reader, scope, one.this)


def _distinct(
    reader: Reader, scope: Scope, node: exp.Select, relation: Relation, evaluate: Callable[[exp.Expr], Value]
) -> None:
    distinct = node.args.get("distinct")
    if distinct is None:
        return
    on = distinct.args.get("on")
    if on is None:
        shown = list(relation.columns.values())
        moments = tuple(value.moment for value in shown if value.moment is not None)
        kept = tuple(moment for moment in scope.grain if any(moment == one for one in moments))
        derived = tuple(moment for moment in moments if moment.var.kind == "trunc" and moment not in kept)
        scope.event = scope.event and bool(kept)
        scope.grain = kept or derived
        relation.keys += (frozenset(relation.columns),)
        if not scope.grain:
            scope.whole = None
            relation.assured = True
            scope.note_when()
            scope.presence = scope.presence if scope.filtered else NO_READS
        return
    keys = tuple(evaluate(one) for one in (on.expressions or [on]))
    order = node.args.get("order")
    backward: bool | None = None
    ordered = [one for one in order.expressions if isinstance(one, exp.Ordered)] if order is not None else []
    rest = [
        one for one in ordered if one.this.sql("duckdb") not in {key.sql("duckdb") for key in (on.expressions or [on])}
    ]
    if rest:
        value = evaluate(rest[0].this)
        note_ordering(reader, scope, node, "DISTINCT ON", [evaluate(one.this) for one in rest], keys)
        if value.moment is not None or value.order is not None:
            backward = bool(rest[0].args.get("desc"))
    mixed = any((key.moment is not None and key.moment.var.kind != "trunc") or (
        key.base is not None and words.is_id(key.base[1]) and "user" not in key.tags) for key in keys)  # fmt: skip
    before = {id(source): source.relation for source in scope.sources}
    keep_first(scope, Pick(keys, backward, node, mixed))
    if backward is not False and not mixed and before:
        fresh, _ = projected(reader, scope, node)
        relation.columns = fresh.columns
    names = {one.alias_or_name.casefold() for one in (on.expressions or [on])}
    if names <= set(relation.columns):
        relation.keys += (frozenset(names),)


def _limited(reader: Reader, scope: Scope, node: exp.Expr, relation: Relation) -> Relation:
    """LIMIT 1 leaves one row; ordered by time, the newest or the first."""
    limit, order = node.args.get("limit"), node.args.get("order")
    given = limit.expression if isinstance(limit, exp.Limit) else limit.args.get("count") if limit is not None else None
    if given is None or not isinstance(given, exp.Literal) or given.name != "1":
        return relation
    relation = replace(relation, single=True, keys=(*relation.keys, frozenset()))
    if order is None or not scope.sources:
        return relation
    first = order.expressions[0]
    value = value_of(reader, scope, first.this if isinstance(first, exp.Ordered) else first)
    backward = bool(first.args.get("desc")) if isinstance(first, exp.Ordered) else False
    if value.moment is not None and backward:

        def noted(read: Read) -> Read:
            return read.taken("newest", node)

        columns = {name: replace(one, reads=frozenset(map(noted, one.reads))) for name, one in relation.columns.items()}
        relation = replace(relation, columns=columns, presence=frozenset(map(noted, relation.presence)))
    if value.moment is not None:
        relation.grain = ()
        relation.event = False
    return relation


def _note_output(reader: Reader, node: exp.Select, relation: Relation, nodes: dict[str, exp.Expr]) -> None:
    if node.meta.get("sqlscore_output"):
        reader.seen.outputs.append(Output(node, str(node.meta["sqlscore_output"]), relation, nodes))
