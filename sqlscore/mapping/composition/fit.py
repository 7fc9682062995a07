"""Whether the columns of several sources go together, and which of them there are in all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict

import duckdb

from sqlscore.database.composition.sources import ACTION, DEVICE, USER, column_of_role, kind_of_column
from sqlscore.errors import MappingError
from sqlscore.events.composition import Feed
from sqlscore.events.times_in_sql import INTEGERS, TIMESTAMPS
from sqlscore.quoting import identifier


def check_roles_fit(con: duckdb.DuckDBPyConnection, feeds: Sequence[Feed]) -> None:
    """Raise MappingError if the ids of users, or the actions, of two sources are no ids, or actions, of one kind."""
    for role in (USER, ACTION, DEVICE):
        kinds = {}
        for feed in feeds:
            column = column_of_role(feed, role)
            if column is not None:
                kinds[feed.name, column] = kind_of_column(con, feed, column)
        _check_fit(kinds, as_text=True)


def columns_of(
    con: duckdb.DuckDBPyConnection, read: Sequence[tuple[Feed, dict[str, str]]], wanted: Sequence[str]
) -> tuple[str, ...]:
    """The columns of all sources together, without those that are not wanted and do not go together."""
    names: dict[str, str] = {}
    for _, own in read:
        for name in own:
            names.setdefault(name.casefold(), name)
    needed, kept = {name.casefold() for name in wanted}, []
    for folded, name in names.items():
        having = [(feed, column) for feed, own in read for n, column in own.items() if n.casefold() == folded]
        kinds = {(feed.name, column): kind_of_column(con, feed, column) for feed, column in having}
        if folded in needed:
            _check_fit(kinds)
        if _fit(kinds.values()):
            kept.append(name)
    return tuple(kept)


def _check_fit(kinds: Dict[tuple[str, str], str], *, as_text: bool = False) -> None:
    """Raise MappingError, which names two sources and their columns, if the types have no one that holds all values."""
    if _fit(kinds.values(), as_text=as_text):
        return
    ((source, column), kind), *others = kinds.items()
    (other, theirs), another = next(
        ((where, k) for where, k in others if not _fit((kind, k), as_text=as_text)), others[-1]
    )
    raise MappingError(
        f'"{column}" of the source "{source}" has type {kind}, and "{theirs}" of "{other}" has type {another}: bring '
        f"them to one type in a view, for example CAST({identifier(theirs)} AS {kind.partition('(')[0]})"
    )


_TEXTS = ("VARCHAR", "ENUM")
_NUMBERS = (*INTEGERS, "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


def _fit(kinds: Iterable[str], *, as_text: bool = False) -> bool:
    """Whether the engine finds a type that holds the values of all; ids and actions may become text."""
    plain = {kind if kind in TIMESTAMPS else kind.partition("(")[0] for kind in kinds}
    if len(plain) == 1:
        return True
    groups = ((_TEXTS, _NUMBERS, TIMESTAMPS), ((*_TEXTS, *INTEGERS, "HUGEINT"), (*_TEXTS, "UUID")))[as_text]
    return any(plain.issubset(group) for group in groups)
