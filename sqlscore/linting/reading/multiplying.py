"""Rows that a join repeats, and what is added up over them."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.linting.observations import Multiplied
from sqlscore.linting.reading.scope import Reader, Scope


def note_multiplied(reader: Reader, scope: Scope, node: exp.Expr, argument: exp.Expr) -> None:
    """Note an aggregate over rows that a join has repeated, here or in a query that is read.

    Args:
        reader: Notes it.
        scope: The rows, which are grouped.
        node: The aggregate.
        argument: What it adds up.
    """
    places = [place for column in argument.find_all(exp.Column) if (place := scope.place(column)) is not None]
    aliases = {alias for alias, _ in places}
    repeating = [scope.multiplied.get(alias, frozenset()) - aliases - scope.fixed for alias in aliases]
    others = frozenset.intersection(*repeating) if repeating else frozenset()
    if not others:
        others = _below(scope, places)
    if others:
        reader.seen.multiplied.append(Multiplied(node, ", ".join(sorted(others))))


def _below(scope: Scope, places: list[tuple[str, str]]) -> frozenset[str]:
    """What repeats all of these columns in the queries that are read, but for rows of tables that are grouped by."""
    keys = scope.grouping.keys if scope.grouping is not None else ()
    told_apart = {key.base[0] for key in keys if key.base is not None and "user" not in key.tags}
    found: list[frozenset[str]] = []
    for source in scope.sources:
        known = dict(source.relation.repeated)
        for alias, name in places:
            base = source.relation.columns[name].base if alias == source.alias else None
            if alias == source.alias:
                by = known.get(base) if base is not None and base[0] not in told_apart else None
                found.append(frozenset({by}) if by is not None else frozenset())
    return frozenset().union(*found) if found and all(found) else frozenset()


def repeated_in(scope: Scope) -> tuple[tuple[tuple[str, str], str], ...]:
    """The columns of tables whose rows are repeated in these rows, with what repeats them."""
    found: dict[tuple[str, str], str] = {}
    for source in scope.sources:
        found |= dict(source.relation.repeated)
        by = scope.multiplied.get(source.alias)
        if by:
            bases = [value.base for value in source.relation.columns.values() if value.base is not None]
            found |= dict.fromkeys(bases, ", ".join(sorted(by)))
    return tuple(found.items())
