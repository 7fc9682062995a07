"""The one view that holds a mapping's events when no single relation of the user's does."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from sqlscore.database.composition.attributes import attributed, sample_of_attributes
from sqlscore.database.composition.identity import identified
from sqlscore.database.composition.marks import counted, until_mark
from sqlscore.database.composition.sources import TIME, united
from sqlscore.database.events_query import early, utc_timestamp
from sqlscore.events.composition import Feed, IdentityRule
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified

VIEW = "composed_events"
"""The name of the view, in the mapping's schema."""


def composed(mapping: Mapping) -> Mapping:
    """The mapping of composed events as it is stored: its relation is the view."""
    return replace(mapping, relation=qualified(mapping.schema, VIEW))


def spelled_out(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Mapping:
    """The same mapping with the query of the view in its place, which can be read before there is a view."""
    return replace(mapping, relation=f"({query_of(con, mapping)})") if mapping.composition is not None else mapping


def query_of(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """The query of the view. Each part is a function from the SQL of a relation to the SQL of another.

    Args:
        con: A connection to the database, which knows the types of the user's columns.
        mapping: Composed events.

    Raises EventsError if the times are no times.
    """
    parts = mapping.composition
    assert parts is not None  # noqa: S101 - of composed events
    relation = f"({united(con, parts.feeds)})" if parts.feeds else parts.relation
    if parts.identity is not None:
        time = utc_timestamp(con, replace(mapping, relation=relation))
        relation = f"({identified(relation, parts.identity, mapping.user_id, time, early(mapping, time))})"
    if parts.users is not None:
        relation = f"({attributed(mapping, relation, parts.users)})"
    if not parts.feeds:
        return f"SELECT * FROM {relation}"
    return until_mark(relation, *_read_of(con, mapping, parts.feeds))


def sources_query(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """A query for how far each source reaches (see `marks`); None for events of one source."""
    parts = mapping.composition
    return counted(*_read_of(con, mapping, parts.feeds)) if parts is not None and parts.feeds else None


def _read_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, feeds: tuple[Feed, ...]) -> tuple[str, str, bool]:
    """The sources together, which of their events are early, and whether they have devices."""
    return f"({united(con, feeds)})", early(mapping, TIME), any(feed.device_id is not None for feed in feeds)


def install_composition(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Make the view if the events are composed, and drop one of another mapping if not.

    Inside the caller's transaction, before the view of the events that reads it.
    """
    if mapping.composition is None:
        return
    view = qualified(mapping.schema, VIEW)
    con.execute(f"CREATE OR REPLACE VIEW {view} AS {query_of(con, mapping)}")
    con.execute(f"COMMENT ON VIEW {view} IS 'The events before they are read as mapped: sqlscore.events reads it'")


def drop_composition(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Drop the view that nothing reads any more, inside the caller's transaction."""
    if mapping.composition is None:
        con.execute(f"DROP VIEW IF EXISTS {qualified(mapping.schema, VIEW)}")


def sample_of_all_parts() -> str:
    """A text that differs whenever any part would be written in another way."""
    rule = IdentityRule(device="d", user="u")
    looked_up = IdentityRule(relation="r", key="k", person="p", valid_from="f", valid_to="t", chains=True)
    rules = (rule, replace(rule, shared=True), looked_up, replace(looked_up, valid_from=None, valid_to=None))
    marks = counted("e", "true", devices=True)
    return "\n".join([marks, sample_of_attributes(), *(identified("e", rule, "u", "t", "true") for rule in rules)])
