"""Several sources as one relation: user_id, event_time in UTC, event_type, source, then the columns of any of them."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from sqlscore.database.events_query import SOURCE, source, utc_timestamp
from sqlscore.events.composition import Feed
from sqlscore.events.mapping import Mapping, TimeUnit
from sqlscore.events.times_in_sql import INTEGERS
from sqlscore.quoting import identifier, literal

USER, TIME, ACTION, NAME, DEVICE = "user_id", "event_time", "event_type", "source", "device_id"
"""The names of the columns that say who, when, what, from where and on what."""


def united(con: duckdb.DuckDBPyConnection, feeds: Iterable[Feed]) -> str:
    """A query for the events of all sources. The engine gives a column the type that holds all values.

    Raises EventsError if the times of one are no times.
    """
    feeds = tuple(feeds)
    devices = [DEVICE] if any(feed.device_id is not None for feed in feeds) else []
    texts = [role for role in (USER, ACTION, *devices) if _are_mixed(con, feeds, role)]
    return " UNION ALL ".join(_one(con, feed, devices, texts) for feed in feeds)


def column_of_role(feed: Feed, role: str) -> str | None:
    """The source's own column for USER, ACTION or DEVICE."""
    return {USER: feed.user_id, ACTION: feed.event_type, DEVICE: feed.device_id}[role]


def kind_of_column(con: duckdb.DuckDBPyConnection, feed: Feed, column: str) -> str:
    """The engine's name of the type of a column of a source."""
    return str(con.sql(f"SELECT {identifier(column)} FROM {feed.relation} LIMIT 0").types[0])


def _are_mixed(con: duckdb.DuckDBPyConnection, feeds: Iterable[Feed], role: str) -> bool:
    """Whether ids or actions are of several types, so that they are compared as text: the engine would try UUID."""
    columns = [(feed, column_of_role(feed, role)) for feed in feeds]
    kinds = {kind_of_column(con, feed, column) for feed, column in columns if column is not None}
    texts = role == ACTION and any(column is None for _, column in columns)
    return texts or (len(kinds) > 1 and not kinds.issubset((*INTEGERS, "HUGEINT")))


def as_mapping(feed: Feed) -> Mapping:
    """The source as if it alone were mapped, for checks of its columns."""
    unit: TimeUnit | None = feed.time_unit  # type: ignore[assignment]
    user = feed.user_id or feed.device_id or ""
    return Mapping(feed.name, feed.relation, user, feed.event_time, feed.event_type or "", time_unit=unit)


def _one(con: duckdb.DuckDBPyConnection, feed: Feed, devices: list[str], texts: list[str]) -> str:
    def of_role(role: str) -> str:
        column = column_of_role(feed, role)
        if role == ACTION and column is None:
            return f"{literal(feed.action or '')} AS {ACTION}"
        return f"CAST({_or_null(column)} AS VARCHAR) AS {role}" if role in texts else f"{_or_null(column)} AS {role}"

    columns = [
        of_role(USER),
        f"{utc_timestamp(con, as_mapping(feed))} AS {TIME}",
        of_role(ACTION),
        f"{literal(feed.name)} AS {NAME}",
        *map(of_role, devices),
        *(f"{_or_null(own)} AS {identifier(name)}" for name, own in feed.columns),
    ]
    return f"SELECT {', '.join(columns)} FROM {feed.relation} AS {SOURCE}"


def _or_null(column: str | None) -> str:
    return "NULL" if column is None else source(column)
