"""The column that says to which group an event belongs: what it may be, and which groups ended before the rest."""

from __future__ import annotations

import duckdb

from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import CANONICAL, HIGH_WATER, Mapping
from sqlscore.events.times_in_sql import INTEGERS
from sqlscore.quoting import identifier

_NAMES = (*INTEGERS, "VARCHAR", "BOOLEAN")
"""Types that name a group alike in SQL, in Arrow and as text; an ENUM does too."""


def check_group(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError or EventsError if `mapping.group` cannot say to which group an event belongs."""
    name = mapping.group
    taken = [column.casefold() for column in mapping.read_columns]
    if HIGH_WATER in taken and name is not None:
        raise MappingError(
            f'a mapped column is called "{HIGH_WATER}", as sqlscore.events calls the newest event of a group: rename '
            "it in a view, and map the view"
        )
    if name is None:
        return
    if name in (mapping.user_id, mapping.event_time, mapping.event_type):
        raise MappingError(
            f'column "{name}" is user, time or action, and cannot be the group: name the column of the site, tenant or '
            "country, group=... (--group)"
        )
    if name.casefold() in CANONICAL:
        raise MappingError(
            f'the column of the group is called "{name}", as sqlscore.events calls another one: rename it in a view, '
            "and map the view"
        )
    kind = str(con.sql(f"SELECT {identifier(name)} FROM {mapping.relation} LIMIT 0").types[0])
    if kind not in _NAMES and not kind.startswith("ENUM("):
        raise EventsError(
            f'group column "{name}" has type {kind}, expected VARCHAR, ENUM, BOOLEAN or an integer: map a view with '
            f"CAST({identifier(name)} AS VARCHAR) AS {identifier(name)}"
        )
