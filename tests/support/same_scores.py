"""Whether the score tables hold what a full refresh writes."""

from __future__ import annotations

import duckdb

import sqlscore

USERS = """SELECT user_id, n_events, last_event_time, next_action, next_action_probability, seconds_to_next_action,
    churn_risk, unknown_action_rate, model, as_of FROM sqlscore.scored_users ORDER BY user_id"""
SESSIONS = """SELECT user_id, session_id, session_start, session_end, n_events, next_action, churn_risk
    FROM sqlscore.scored_sessions ORDER BY user_id, session_id"""


def assert_equal_to_full(con: duckdb.DuckDBPyConnection) -> None:
    """What is stored must be what a full refresh stores."""
    found = [con.execute(query).fetchall() for query in (USERS, SESSIONS)]
    assert sqlscore.refresh(con, full=True).kind == "full"
    for rows, query in zip(found, (USERS, SESSIONS), strict=True):
        expected = con.execute(query).fetchall()
        assert len(rows) == len(expected)
        for row, full in zip(rows, expected, strict=True):
            assert _close(row, full), (row, full)


def _close(row: tuple[object, ...], full: tuple[object, ...]) -> bool:
    return all(
        abs(a - b) <= 1e-5 * max(1.0, abs(b)) if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in zip(row, full, strict=True)
    )
