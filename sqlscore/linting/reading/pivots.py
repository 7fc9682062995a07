"""PIVOT and UNPIVOT, as statements and behind a table."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Value


def pivot(reader: Reader, scope: Scope, node: exp.Pivot) -> Relation:
    """The rows of PIVOT or UNPIVOT as a statement."""
    return pivoted(reader.query(Scope(outer=scope), node.this), node)


def pivoted(inner: Relation, node: exp.Pivot) -> Relation:
    """The rows of a relation after PIVOT or UNPIVOT: the columns that stay, and one that may read any other.

    Those of GROUP BY stay; without it all that PIVOT names nowhere, as in DuckDB.
    """
    if not inner.columns:
        return inner
    columns = _kept(inner, node)
    keys = (frozenset(columns),) if columns and not node.args.get("unpivot") else ()
    reads = frozenset().union(*(value.reads for value in inner.columns.values())) | inner.presence
    columns["?"] = Value(reads)
    grain = tuple(moment for moment in inner.grain if any(value.moment == moment for value in columns.values()))
    return Relation(columns, grain, keys, inner.facts, inner.presence, False, name=inner.name)


def _kept(inner: Relation, node: exp.Pivot) -> dict[str, Value]:
    group = node.args.get("group")
    if isinstance(group, exp.Group):
        kept = {one.name.casefold() for one in group.expressions}
        return {name: value for name, value in inner.columns.items() if name in kept}
    parts = [*node.expressions, *(node.args.get("using") or ()), *(node.args.get("fields") or ())]
    named = {column.name.casefold() for part in parts for column in part.find_all(exp.Column)}
    return {name: value for name, value in inner.columns.items() if name not in named}
