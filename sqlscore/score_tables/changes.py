"""What has changed in the events since they were scored: which users start over, advance, or are gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from sqlscore.database.events_query import SOURCE, columns_read, usable_events
from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.events.mapping import SESSION_GAP, Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.appended import why_not_appended
from sqlscore.score_tables.mark import MARK_TABLE, STATES_TABLE, Mark, columns_of, has_rowid, lost_rows
from sqlscore.score_tables.marked import GONE, MARKED, UNSEEN, note_marked, only_marked
from sqlscore.score_tables.sound_states import wrong_states

CHANGES_TABLE = "sqlscore_changes"
"""A temporary table of the reader's connection."""

FULL_ABOVE = 0.3
"""Share of changed users above which all users are scored again, since that is then as fast."""


CHANGED_BETWEEN = "users were scored as their events came in, and not all of these are known"
"""Why all users are scored again where triggers scored some since the last refresh."""


@dataclass(frozen=True)
class Changes:
    """What kind of refresh is needed.

    For an incremental one, CHANGES_TABLE holds user_id and kind: 'over' (the past changed: score from the start), 'on'
    (there are only newer events: advance the state) or 'gone' (there is no event left). For 'on' it also holds the time
    of the last event in the state, the time of the first new event, and start and number of the first session to make
    again: the user's last session if the new event belongs to it, else the next one.
    """

    reason: str | None  # why all users are scored; None for an incremental refresh
    n_over: int = 0
    n_on: int = 0
    n_gone: int = 0
    since: datetime | None = None  # users of kind 'on' need no event from before
    behind_row: int | None = None  # new events are in the rows behind it; None if not known
    note: str | None = None  # what to tell of how they were found


def find_changes(con: duckdb.DuckDBPyConnection, mapping: Mapping, old: Mark | None, new: Mark, fold: bool) -> Changes:
    """Compare the events with the stored states.

    Args:
        con: A connection in a transaction; the scans of the refresh share its snapshot.
        mapping: The mapped events.
        old: The mark of the last refresh, if there was one.
        new: The mark of this refresh.
        fold: Whether the model can advance a state; if not, users of kind 'on' become 'over'.
    """
    if old is None:
        if is_table(con, mapping.schema, STATES_TABLE, MARK_TABLE):
            return Changes("somebody changed what the last refresh noted")
        forgotten = is_table(con, mapping.schema, STATES_TABLE)
        return Changes("a user was forgotten" if forgotten else "nothing was scored before")
    reason = _why_incomparable(con, mapping, old, new)
    if reason is not None:
        return Changes(reason)
    scored = old.scored or new.scored
    behind_row = old.last_row if new.last_row is not None and not scored else None
    unmarked = None
    if behind_row is None:
        unmarked = note_marked(con, mapping, old, new)
        if scored and unmarked is not None:
            return Changes(CHANGED_BETWEEN, note=unmarked if unmarked in (GONE, UNSEEN) else None)
        _compared(con, mapping, marked=unmarked is None)
        if scored:
            _rewrite_marked(con, mapping)
    else:
        reason = why_not_appended(con, mapping, old, new, behind_row)
        if reason is not None:
            return Changes(reason)
        _appended(con, mapping, behind_row)
    if not fold:
        con.execute(f"UPDATE {CHANGES_TABLE} SET kind = 'over' WHERE kind = 'on'")
    _note_sessions(con, mapping)
    counts = one(
        con,
        f"""SELECT count(*) FILTER (WHERE kind = 'over'), count(*) FILTER (WHERE kind = 'on'),
                count(*) FILTER (WHERE kind = 'gone'), min(session_start) FILTER (WHERE kind = 'on'),
                (SELECT count(*) FROM {qualified(mapping.schema, STATES_TABLE)})
            FROM {CHANGES_TABLE}""",
    ) or (0, 0, 0, None, 0)
    over, on, gone, since, n_users = counts
    note = unmarked if unmarked in (GONE, UNSEEN) else None
    if over + on > FULL_ABOVE * n_users:
        return Changes(f"{over + on} of {n_users} users changed", note=note)
    return Changes(None, over, on, gone, since, behind_row, note)


def _why_incomparable(con: duckdb.DuckDBPyConnection, mapping: Mapping, old: Mark, new: Mark) -> str | None:
    """Why the stored states say nothing of the events as they are mapped now; None if they can be compared."""
    lost = lost_rows(con, mapping, old)
    if lost is not None:
        return lost
    if (old.model, old.sha256) != (new.model, new.sha256):
        return f"the champion changed from {old.model} to {new.model}"
    if old.mapping != new.mapping:
        return "the events were mapped anew"
    if old.types is None or "standing" not in columns_of(con, qualified(mapping.schema, STATES_TABLE)):
        return "the states were stored by an older sqlscore"
    if old.types != new.types:
        return f"the types of the mapped columns changed from {old.types} to {new.types}"
    return wrong_states(con, mapping, old.model)


def _appended(con: duckdb.DuckDBPyConnection, mapping: Mapping, last_row: int) -> None:
    """Find changes in the rows behind `last_row` alone."""
    new = usable_events(con, mapping, f"{SOURCE}.rowid > {int(last_row)}")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {CHANGES_TABLE} AS
            WITH users AS (
                SELECT user_id, min(event_time) AS first_new FROM ({new}) GROUP BY user_id
            )
            SELECT u.user_id, CASE WHEN s.last_time < u.first_new THEN 'on' ELSE 'over' END AS kind, s.last_time,
                u.first_new, NULL::TIMESTAMP AS session_start, NULL::BIGINT AS session_id
            FROM users u LEFT JOIN {qualified(mapping.schema, STATES_TABLE)} s USING (user_id)"""
    )


def _mark_differing(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Fill MARKED with the users whose events are not those of their stored states: half the work of telling in what
    they differ."""
    states = qualified(mapping.schema, STATES_TABLE)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {MARKED} AS
            WITH users AS (
                SELECT e.user_id, count(*) AS n_now, max(e.event_time) AS newest,
                    sum(hash({columns_read(mapping)})) % 18446744073709551616 AS content_now
                FROM ({usable_events(con, mapping)}) e GROUP BY e.user_id
            )
            SELECT coalesce(u.user_id, s.user_id) AS user_id FROM users u FULL JOIN {states} s USING (user_id)
            WHERE (n_now, content_now) IS DISTINCT FROM (n_events, content) OR newest > last_time"""
    )


def _compared(con: duckdb.DuckDBPyConnection, mapping: Mapping, marked: bool) -> None:
    """Find new, changed and deleted events from the hashes of all events, or of those of users in MARKED."""
    states, events = qualified(mapping.schema, STATES_TABLE), f"({usable_events(con, mapping)})"
    if not marked and has_rowid(con, mapping):  # what is no table may take long to read, and is read once
        _mark_differing(con, mapping)
        marked = True
    if marked:
        states = f"(SELECT * FROM {states} SEMI JOIN {MARKED} USING (user_id))"
        events = f"({usable_events(con, mapping, only_marked(mapping))})"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {CHANGES_TABLE} AS
            WITH events AS (
                SELECT e.user_id, e.event_time, s.user_id IS NOT NULL AS known, s.last_time, s.n_events, s.content,
                    hash({columns_read(mapping)}) AS word, coalesce(e.event_time <= s.last_time, false) AS seen
                FROM {events} e LEFT JOIN {states} s USING (user_id)
            ), users AS (
                SELECT user_id, any_value(last_time) AS last_time, any_value(n_events) AS n_events,
                    any_value(content) AS content, count(*) AS n_now,
                    coalesce(sum(word) FILTER (WHERE seen), 0) % 18446744073709551616 AS content_seen,
                    count(*) FILTER (WHERE seen) AS n_seen, min(event_time) FILTER (WHERE NOT seen) AS first_new
                FROM events GROUP BY user_id
            ), kinds AS (
                SELECT user_id, last_time, first_new,
                    CASE WHEN n_events IS NULL OR n_seen <> n_events OR content_seen <> content THEN 'over'
                         WHEN n_now > n_seen THEN 'on' END AS kind
                FROM users
            )
            SELECT user_id, kind, last_time, first_new, NULL::TIMESTAMP AS session_start, NULL::BIGINT AS session_id
            FROM kinds WHERE kind IS NOT NULL
            UNION ALL
            SELECT s.user_id, 'gone', s.last_time, NULL, NULL, NULL FROM {states} s ANTI JOIN users USING (user_id)"""
    )


def _rewrite_marked(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Let all users in MARKED be written anew: a trigger may have scored events that are gone again."""
    events = usable_events(con, mapping, only_marked(mapping))
    con.execute(
        f"""INSERT INTO {CHANGES_TABLE} BY NAME
            SELECT user_id, CASE WHEN user_id IN (SELECT user_id FROM ({events})) THEN 'over' ELSE 'gone' END AS kind
            FROM {MARKED} ANTI JOIN {CHANGES_TABLE} USING (user_id)"""
    )


def _note_sessions(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Note which sessions of users of kind 'on' are made again: the last one may have grown."""
    sessions = qualified(mapping.schema, "scored_sessions")
    con.execute(
        f"""UPDATE {CHANGES_TABLE} SET
                session_start = CASE WHEN grows THEN s.session_start ELSE first_new END,
                session_id = CASE WHEN grows THEN s.session_id ELSE s.session_id + 1 END
            FROM (SELECT user_id, max(o.session_start) AS session_start, max(o.session_id) AS session_id,
                      any_value(c.first_new - c.last_time <= to_microseconds({SESSION_GAP})) AS grows
                  FROM {sessions} o JOIN {CHANGES_TABLE} c USING (user_id) GROUP BY user_id) s
            WHERE {CHANGES_TABLE}.user_id = s.user_id AND kind = 'on'"""
    )
