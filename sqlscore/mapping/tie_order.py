"""The columns that order events of one moment: what types they may have."""

from __future__ import annotations

import duckdb

from sqlscore.errors import EventsError, MappingError
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.events.times_in_sql import INTEGERS, TIMESTAMPS, ZONED
from sqlscore.quoting import identifier

_SORTABLE = (*INTEGERS, *TIMESTAMPS, ZONED, "FLOAT", "DOUBLE", "BOOLEAN", "VARCHAR", "UUID")
"""Types that are sorted alike by the engine, in Arrow and as text; of DECIMAL all are."""


def check_order(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError or EventsError if a column of `mapping.order` cannot order events.

    SQL, Arrow and the packed texts must sort by it alike: nested values, ENUMs (by position or by name?), wide numbers
    and nanoseconds are refused with the cast that is meant.
    """
    taken = (mapping.user_id, mapping.event_time, mapping.event_type)
    for name in mapping.order:
        column = identifier(name)
        if name in taken:
            raise MappingError(
                f'column "{name}" is user, time or action, and orders no events of one moment: name another one for '
                "order=... (--order)"
            )
        if name.casefold() in CANONICAL:
            raise MappingError(
                f'the column of order is called "{name}", as sqlscore.events calls another one: rename it in a view, '
                "and map the view"
            )
        kind = str(con.sql(f"SELECT {column} FROM {mapping.relation} LIMIT 0").types[0])
        if kind not in _SORTABLE and not kind.startswith("DECIMAL("):
            cast = {"TIMESTAMP_NS": f"epoch_ns({column})", "HUGEINT": f"CAST({column} AS DECIMAL(38, 0))"}
            remedy = cast.get(kind, f"CAST({column} AS VARCHAR), or a number,")
            raise EventsError(
                f'order column "{name}" has type {kind}, by which events cannot be sorted; expected a number, a time '
                f"or text: map a view with {remedy} AS {column}"
            )
    if len(set(mapping.order)) < len(mapping.order):
        raise MappingError(f"order names a column twice: {', '.join(mapping.order)}")
