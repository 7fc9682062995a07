"""Ids of a type that Arrow does not carry exactly are refused when mapping: users would be blended."""

from __future__ import annotations

import duckdb
import pytest

import sqlscore
from sqlscore.errors import EventsError

BODY = "TIMESTAMP '2024-01-01' + to_minutes((u * 7 + i)::INT) AS event_time, 'view' AS event_type"
IDS = {
    "TIME WITH TIME ZONE": "(CASE WHEN u % 2 = 0 THEN '10:00:00+00' ELSE '10:00:00+02' END)::TIMETZ",
    "UHUGEINT": "md5_number('user' || u)",
    "BIGNUM": "u::BIGNUM",
    "BIT": "u::INT::BIT",
    "INTERVAL": "to_days(u::INT)",
}


@pytest.mark.parametrize("kind", IDS)
def test_an_id_that_would_change_is_refused(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    con.execute(f"CREATE TABLE events AS SELECT {IDS[kind]} AS user_id, {BODY} FROM range(9) t(u), range(3) s(i)")
    with pytest.raises(EventsError, match=f"has type {kind}: cast it to VARCHAR"):
        sqlscore.map_events(con, "events")


@pytest.mark.parametrize("column", ["event_type", "feature"])
def test_a_list_is_refused_in_our_words(con: duckdb.DuckDBPyConnection, column: str) -> None:
    event_type = "['view']" if column == "event_type" else "'view'"
    con.execute(
        f"""CREATE TABLE events AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time,
            {event_type} AS event_type, [1, 2] AS feature"""
    )
    with pytest.raises(EventsError, match=rf'"?{column}"?.* has type .*\[\]'):
        sqlscore.map_events(con, "events", features=["feature"] if column == "feature" else [])
