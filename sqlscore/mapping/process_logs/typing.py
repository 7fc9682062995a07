"""Attributes of a log as typed columns: SQL over the texts that a spool holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.spool import Spool
from sqlscore.quoting import identifier

_ZONE = "[0-9]{2}:[0-9]{2}.*(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_NUMBERS = {"int", "float"}

KINDS = frozenset(("string", "date", "int", "float", "boolean", "id"))
"""The kinds of attributes, as XES calls them."""


def utc(text: str) -> str:
    """SQL for an ISO 8601 time as a TIMESTAMP in UTC: its offset is applied; a time without one is taken as UTC.

    A cast of text to TIMESTAMP would drop the offset. NULL for what is no time.
    """
    zoned = f"TRY_CAST(regexp_replace({text}, ' +([+-])', '\\1') AS TIMESTAMPTZ)"
    moment = f"CASE WHEN {has_zone(text)} THEN epoch_us({zoned}) ELSE epoch_us(TRY_CAST({text} AS TIMESTAMP)) END"
    return f"make_timestamp({moment})"


def has_zone(text: str) -> str:
    """SQL for whether an ISO 8601 time says its offset from UTC."""
    return f"regexp_matches({text}, '{_ZONE}')"


def odd_times(con: duckdb.DuckDBPyConnection, spool: Spool, alias: str, text: str) -> list[str]:
    """What the user should know of the times of events.

    Args:
        con: A connection to the database.
        spool: The events.
        alias: What they are called in `text`.
        text: SQL for the time of an event as it is written.

    Raises MappingError if none can be read.
    """
    wrong = f"{text} IS NOT NULL AND {utc(text)} IS NULL"
    naive = f"NOT {has_zone(text)} AND {utc(text)} IS NOT NULL"
    counts = f"count(*) FILTER ({wrong}), min({text}) FILTER ({wrong}), count(*) FILTER ({naive})"
    with spool.relation(con, alias) as events:
        n_wrong, example, n_naive = one(con, f"SELECT {counts} FROM {events}") or (0, None, 0)
    if n_wrong == spool.n_rows:
        raise MappingError(f"no time of the log can be read, such as {example!r}: write times as 2026-01-31T12:00:00Z")
    said = []
    if n_wrong:
        said.append(f"{n_wrong} times cannot be read, such as {example!r}, and their events are left out")
    if n_naive:
        said.append(
            f"{n_naive} of {spool.n_rows} times do not say their offset from UTC, and are taken as UTC: if they are "
            "local times, waits across a change of the clock are an hour off"
        )
    return said


@dataclass(frozen=True)
class Attribute:
    """A column of the table that is made.

    Attributes:
        name: of the column.
        sql: its value.
        wanted: the SQL type that its kind asks for.
        failing: values that are not of that type, all of which are then texts.
        example: one of them.
    """

    name: str
    sql: str
    wanted: str
    failing: int = 0
    example: str | None = None


def text_of(key: str, kinds: Sequence[str], alias: str) -> str:
    """SQL for an attribute as it is written, whatever its kind is in one row or another."""
    columns = [f"{alias}.{identifier(f'{kind} {key}')}" for kind in kinds]
    return columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"


def attributes(
    con: duckdb.DuckDBPyConnection, spool: Spool, alias: str, prefix: str, without: Iterable[str], taken: set[str]
) -> list[Attribute]:
    """The attributes in a spool as columns: each has the type of its kind if all its values do, else text.

    Args:
        con: A connection to the database.
        spool: The rows.
        alias: What they will be called in the query that reads the columns.
        prefix: Begins the names of the columns.
        without: Keys that are left out.
        taken: Names of columns that there are, in lower case; those that are made are added.
    """
    every = {key: [kind for kind in found if kind in KINDS] for key, found in spool.keys.items()}
    kinds = {key: found for key, found in every.items() if found and key not in set(without)}
    typed = {key: _typed(text_of(key, found, alias), set(found)) for key, found in kinds.items()}
    failing = _failing(con, spool, alias, typed)
    made = []
    for key, (wanted, sql, text) in typed.items():
        n_failing, example = failing.get(key, (0, None))
        made.append(Attribute(_free(f"{prefix}{key}", taken), text if n_failing else sql, wanted, n_failing, example))
    return made


def untyped(made: Iterable[Attribute]) -> list[str]:
    """Those columns that do not have the type of their kind, and why."""
    return [
        f'"{attribute.name}" is text, since {attribute.failing} of its values, such as {attribute.example!r}, are no '
        f"{attribute.wanted}"
        for attribute in made
        if attribute.failing
    ]


_Typed = tuple[str, str, str]  # the SQL type, the value in it, the value as text


def _typed(text: str, kinds: set[str]) -> _Typed:
    """What values of these kinds, written as text, become."""
    if kinds == {"date"}:
        return "TIMESTAMP", utc(text), text
    if kinds == {"boolean"}:
        return "BOOLEAN", f"TRY_CAST({text} AS BOOLEAN)", text
    if kinds == {"int"}:  # a cast alone would round 1.5
        whole = f"regexp_full_match({text}, ' *[+-]?[0-9]+ *')"
        return "BIGINT", f"CASE WHEN {whole} THEN TRY_CAST({text} AS BIGINT) END", text
    if kinds <= _NUMBERS:
        return "DOUBLE", f"TRY_CAST({text} AS DOUBLE)", text
    return "VARCHAR", text, text


def _failing(
    con: duckdb.DuckDBPyConnection, spool: Spool, alias: str, typed: dict[str, _Typed]
) -> dict[str, tuple[int, str | None]]:
    """How many values of each attribute are not of its type, and one of them."""
    checked = {key: (sql, text) for key, (kind, sql, text) in typed.items() if kind != "VARCHAR"}
    if not checked:
        return {}
    counts = ", ".join(
        f"count(*) FILTER ({wrong}), min({text}) FILTER ({wrong})"
        for sql, text in checked.values()
        for wrong in [f"{text} IS NOT NULL AND ({sql}) IS NULL"]
    )
    with spool.relation(con, alias) as rows:
        found = one(con, f"SELECT {counts} FROM {rows}") or ()
    return dict(zip(checked, zip(found[::2], found[1::2], strict=True), strict=True))


def _free(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it if another column has it, in whatever case."""
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free.casefold())
    return free
