"""What there is of one mapped events table: its events, its champion, its score tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sqlscore.database.lacking import unread_features
from sqlscore.database.materialized import is_table, materialized_tables
from sqlscore.database.queries import one
from sqlscore.database.registry import ModelInfo
from sqlscore.database.transactions import now
from sqlscore.events.attached import Attached
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.composition.feeds import FeedState, feed_states
from sqlscore.mapping.watch import BUILT, read_profiles
from sqlscore.quoting import qualified
from sqlscore.score_tables.marked import n_marked
from sqlscore.sql.names import SCHEMA


@dataclass(frozen=True)
class MappingStatus:
    """One mapped events table: its events, its champion, its score tables."""

    name: str
    relation: str
    n_events: int
    n_users: int
    high_water: datetime | None
    champion: str | None
    champion_age_days: float | None
    heads: tuple[str, ...]
    scored_users: int | None = None  # None: not refreshed yet
    scored_as_of: datetime | None = None
    scored_at: datetime | None = None
    scored_by: str | None = None
    new_events: int | None = None  # events after the scores' as_of
    readable: bool = True  # False: n_events, n_users and high_water are not known
    champion_is_untrained: bool = False  # counts and tables that `score` made
    unread_features: str = ""  # mapped columns that the champion was trained without, quoted and joined
    tied_share: float | None = None  # of the events when they were mapped: those in the order of their actions' names
    unmapped_columns: tuple[str, ...] = ()  # that `train(features="auto")` would try, as they were at the mapping
    made_of: str = ""  # the relation, or what the events are composed of
    sources: tuple[FeedState, ...] = ()  # if there are several
    scored_events: int | None = None  # that the scores rest on; a changed event shows only at the next refresh
    attached: tuple[Attached, ...] = ()  # databases besides the file that the events are in
    built_at: datetime | None = None  # when dbt last built scores, which are tables of its project; None: it never did
    built_by: str | None = None
    built_events: int | None = None
    amount: str | None = None  # the column of what an event is worth
    changed_users: int | None = None  # that triggers noted since the last refresh; None: they note nothing


def readable_status(con: duckdb.DuckDBPyConnection, mapping: Mapping, models: list[ModelInfo]) -> MappingStatus:
    """Count the events, and what the scores rest on. Raises duckdb.Error if the events cannot be read."""
    events = qualified(mapping.schema, "events")
    counted = one(con, f"SELECT count(*), count(DISTINCT user_id), max(event_time) FROM {events}")
    n_events, n_users, high_water = counted or (0, 0, None)
    newer = f"""(SELECT count(*) FROM {events} WHERE event_time > (SELECT max(as_of) FROM scored)) AS new_events,
                CAST(sum(n_events) AS BIGINT) AS scored_events"""
    return MappingStatus(
        name=mapping.name,
        relation=mapping.relation,
        n_events=n_events,
        n_users=n_users,
        high_water=high_water,
        made_of=mapping.made_of,
        sources=feed_states(con, mapping),
        tied_share=_tied_share(con, mapping),
        unmapped_columns=_unmapped_columns(con, mapping),
        attached=mapping.attached,
        amount=mapping.amount,
        unread_features=unread_features(con, mapping),
        changed_users=n_marked(con, mapping),
        **_champion(mapping, models),
        **_scores(con, mapping, newer),
        **_built(con, mapping),
    )


def unreadable_status(con: duckdb.DuckDBPyConnection, mapping: Mapping, models: list[ModelInfo]) -> MappingStatus:
    """What there is if the events cannot be read: the champion, and the scores of the last refresh."""
    return MappingStatus(
        name=mapping.name,
        relation=mapping.relation,
        n_events=0,
        n_users=0,
        high_water=None,
        made_of=mapping.made_of,
        **_champion(mapping, models),
        **_scores(con, mapping),
        **_built(con, mapping),
        readable=False,
        attached=mapping.attached,
        amount=mapping.amount,
    )


def _tied_share(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> float | None:
    """The share of events whose order was that of their actions' names when they were mapped, None if not noted."""
    row = one(
        con,
        """SELECT CAST(report ->> 'n_undecided' AS DOUBLE) / nullif(CAST(report ->> 'n_events' AS DOUBLE), 0)
           FROM sqlscore.mappings WHERE name = ?""",
        [mapping.name],
    )
    return row[0] if row else None


def _unmapped_columns(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[str, ...]:
    """Columns without a role that nothing spoke against when the events were mapped."""
    row = one(con, "SELECT report -> 'candidates' FROM sqlscore.mappings WHERE name = ?", [mapping.name])
    noted = json.loads(row[0]) if row and row[0] else []
    return tuple(candidate["name"] for candidate in noted if candidate["hint"] is None)


def _champion(mapping: Mapping, models: list[ModelInfo]) -> dict[str, Any]:
    champion = next((m for m in models if m.is_champion and m.mapping == mapping.name), None)
    if champion is None:
        return {"champion": None, "champion_age_days": None, "heads": ()}
    age = (now() - champion.created_at).total_seconds() / 86_400
    return {
        "champion": champion.label,
        "champion_age_days": age,
        "heads": champion.heads,
        "champion_is_untrained": champion.is_untrained,
    }


def _scores(con: duckdb.DuckDBPyConnection, mapping: Mapping, *more: str) -> dict[str, Any]:
    """What the table of users says of itself, and `more` about `scored`; nothing if there is no table."""
    if "scored_users" not in materialized_tables(con, mapping):
        return {}
    columns = (
        "count(*) AS scored_users, max(as_of) AS scored_as_of, max(scored_at) AS scored_at, max(model) AS scored_by",
        *more,
    )
    table = qualified(mapping.schema, "scored_users")
    relation = con.sql(f"WITH scored AS (FROM {table}) SELECT {', '.join(columns)} FROM scored")
    return dict(zip(relation.columns, relation.fetchall()[0], strict=True))


def _built(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> dict[str, Any]:
    """What the last dbt build of scores noted; nothing if there was none."""
    if not is_table(con, SCHEMA, "event_profiles"):
        return {}
    last = read_profiles(con, mapping.name, BUILT).last
    return {"built_at": last.taken_at, "built_by": last.model, "built_events": last.n_events} if last else {}
