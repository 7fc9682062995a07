"""Rows that no table has: series, lists, VALUES."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.linting import words
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import NOTHING, Moment, Value
from sqlscore.linting.zones import DAY


def series(reader: Reader, scope: Scope, node: exp.Table, call: exp.Expr) -> Relation:
    """Moments at equal distances, or numbers."""
    given = list(call.iter_expressions())
    values = [reader.value(scope, one) for one in given]
    column = "generate_series" if not call.args.get("is_end_exclusive") else "range"
    alias = node.alias.casefold()
    if any(value.moment is not None for value in values[:2]) and len(values) > 2:
        time = reader.fresh("series")
        step = values[2].number or 0.0
        value = Value(moment=Moment(time, grain=DAY if step and step % DAY == 0 else 0.0))
        return Relation({column: value}, (value.moment,) if value.moment else (), (frozenset({column}),), name=alias)
    return Relation({column: NOTHING}, (), (frozenset({column}),), name=alias)


def listed(reader: Reader, scope: Scope, node: exp.Expr) -> Relation:
    """The elements of lists: of the moment of what the lists are of."""
    inner = node.this if isinstance(node, (exp.Lateral, exp.Table)) else node
    parts = list(inner.expressions) if inner.expressions else list(inner.iter_expressions())
    values = [
        reader.value(scope, one) for one in parts if isinstance(one, exp.Expr) and not isinstance(one, exp.TableAlias)
    ]
    found: dict[str, Value] = {}
    for value in values[:1]:
        if value.row is not None:
            found = dict(value.row)
        found["unnest"] = Value(value.reads, _element(reader, node, value), tags=value.tags, row=value.row)
    moment = found["unnest"].moment if "unnest" in found else None
    return Relation({"unnest": found["unnest"]} if found else {}, (moment,) if moment is not None else ())


def _element(reader: Reader, node: exp.Expr, value: Value) -> Moment | None:
    """Lists of literal moments and series are moments."""
    if value.reads:
        return None
    text = node.sql("duckdb").casefold()
    if any(word in text for word in ("timestamp", "date", "interval")):
        return Moment(reader.fresh("series"))
    return None


def values_listed(reader: Reader, scope: Scope, node: exp.Values) -> Relation:
    """The rows of VALUES: moments in a column are the moments of the rows."""
    first = node.expressions[0] if node.expressions else None
    columns: dict[str, Value] = {}
    names = (
        [one.name.casefold() for one in node.args["alias"].columns]
        if isinstance(node.args.get("alias"), exp.TableAlias)
        else []
    )
    grain: list[Moment] = []
    for position, one in enumerate(
        first.expressions if isinstance(first, exp.Tuple) else [first] if first is not None else []
    ):
        value = reader.value(scope, one)
        name = names[position] if position < len(names) else f"col{position}"
        if value.moment is not None:
            several = len(node.expressions) > 1
            moment = Moment(reader.fresh("values"), grain=value.moment.grain) if several else value.moment
            value = Value(moment=moment)
            grain.append(moment)
        elif words.is_user(name):
            value = Value(tags=frozenset({"user"}))
        columns[name] = value
    return Relation(columns, tuple(grain[:1]))
