"""How far each of several sources reaches: what is said of it at mapping, at a refresh and in status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from sqlscore.database.composition import sources_query
from sqlscore.database.composition.sources import NAME, USER
from sqlscore.events.mapping import Mapping


@dataclass(frozen=True)
class FeedState:
    """A source of events: how many it has, how far it reaches, and whether the scores wait for it."""

    name: str
    n_events: int
    newest: datetime
    stopped: bool  # it is so far behind the others that nothing waits for it any more
    slowest: bool  # the scores are as of its newest event
    n_waiting: int  # of its events are later than that, and are not read yet


def feed_states(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[FeedState, ...]:
    """The sources of a mapping, in the order in which they were named; none if there is only one."""
    query = sources_query(con, mapping)
    if query is None or mapping.composition is None:
        return ()
    rows = con.execute(f"SELECT {NAME}, n_events, newest, stopped, newest = mark, n_waiting FROM ({query})").fetchall()
    found = {name: FeedState(name, *state) for name, *state in rows}
    return tuple(found[feed.name] for feed in mapping.composition.feeds if feed.name in found)


def waiting(states: tuple[FeedState, ...]) -> str | None:
    """What to say if newer events wait for a slow source."""
    left, slow = sum(state.n_waiting for state in states), [state for state in states if state.slowest]
    if not left or not slow:
        return None
    return (
        f'the sources are whole up to {slow[0].newest}, the newest event of "{slow[0].name}": {left} newer events of '
        "the others wait until it has come as far"
    )


def doubts_of_sources(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[str, ...]:
    """What is odd about the sources of a mapping that is just being made: none of one's users is in another."""
    if mapping.composition is None or not mapping.composition.feeds:
        return ()
    rows = con.execute(
        f"""WITH pairs AS (SELECT DISTINCT {USER} AS u, {NAME} AS s FROM {mapping.relation} WHERE {USER} IS NOT NULL),
            wide AS (SELECT u FROM pairs GROUP BY u HAVING count(*) > 1)
            SELECT s, count(*) FROM pairs GROUP BY s HAVING count(*) FILTER (u IN (FROM wide)) = 0 ORDER BY s"""
    ).fetchall()
    return tuple(
        f'none of the {count} users of the source "{name}" is in another one: are its ids those of the others, spelled '
        "alike? If it has ids of its own, a table that says who is who joins them, identity=... (--identity)"
        for name, count in rows
    )
