"""How long it takes to advise, assign and judge for many users.

    python benchmarks/decisions.py --users 1000000

Events are made in SQL: visits of some steps, among them one that fails and one that goes on, ten events a user on
average. Scores are made by a rule, since what follows them is timed alone: `scored_users` is as a refresh writes it.
Prints the seconds of each step and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import duckdb

import sqlscore

EVENTS = """CREATE TABLE e AS
    WITH visits AS (
        SELECT i AS user_id, v, TIMESTAMP '2025-01-01'
            + to_seconds(CAST(hash(i, v, 1) % (90 * 86400) AS BIGINT)) AS start, hash(i, v, 2) % 100 AS kind
        FROM range({users}) u(i), range(3) t(v) WHERE v < 1 + hash(i) % 3
    ), steps AS (
        SELECT user_id, start, unnest(CASE
            WHEN kind < 40 THEN ['search', 'view', 'view', 'view']
            WHEN kind < 60 THEN ['view', 'cart', 'checkout', 'purchase', 'review']
            WHEN kind < 80 THEN ['search', 'view', 'cart', 'checkout', 'purchase']
            WHEN kind < 90 THEN ['view', 'cart', 'checkout', 'failed']
            ELSE ['view', 'view', 'cart', 'subscribe', 'view', 'view'] END) AS event_type,
            unnest(range(6)) AS step
        FROM visits
    )
    SELECT user_id, start + to_seconds(40 * step) AS event_time, event_type FROM steps WHERE event_type IS NOT NULL
    ORDER BY event_time"""

SCORES = """INSERT INTO sqlscore.scored_users BY NAME
    WITH newest AS (SELECT max(event_time) AS as_of FROM e),
    users AS (
        SELECT user_id, count(*) AS n_events, max(event_time) AS last_event_time,
            epoch(any_value(as_of) - max(event_time)) / 86400 AS days_silent, any_value(as_of) AS as_of
        FROM e, newest GROUP BY user_id
    )
    SELECT *, CAST(0.02 + 0.96 * (1 - exp(-days_silent / 20)) AS FLOAT) AS churn_risk, 'rule@1' AS model,
        'view' AS next_action, days_silent < 60 AS is_active
    FROM users"""


def prepared(path: Path, users: int) -> duckdb.DuckDBPyConnection:
    """A file with mapped events and the scores of a rule."""
    con = sqlscore.connect(path)
    con.execute(EVENTS.format(users=users))
    sqlscore.map_events(con, "e")
    shape = ", ".join(
        f"CAST(NULL AS {kind}) AS {name}"
        for name, kind in con.execute(
            """SELECT column_name, data_type FROM duckdb_columns()
               WHERE schema_name = 'sqlscore' AND table_name = 'scored_users' ORDER BY column_index"""
        ).fetchall()
    )
    con.execute(f"DROP VIEW sqlscore.scored_users; CREATE TABLE sqlscore.scored_users AS SELECT {shape} LIMIT 0")
    con.execute(SCORES)
    return con


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder, "b.duckdb"), options.users) as con:
        events = con.execute("SELECT count(*) FROM e").fetchall()[0][0]
        seconds = {}
        start = time.perf_counter()
        advice = sqlscore.advise(con, budget=options.users / 100, contacts_per_day=options.users // 100, value_saved=40)
        seconds["advise"] = time.perf_counter() - start
        start = time.perf_counter()
        sqlscore.assign(con)
        seconds["assign"] = time.perf_counter() - start
        sqlscore.assign(con, which="everybody", users="sqlscore.scored_users", held_out=0.5)
        con.execute("UPDATE sqlscore.interventions SET assigned_at = assigned_at - INTERVAL 40 DAY")
        start = time.perf_counter()
        con.execute("FROM sqlscore.intervention_outcomes").fetchall()
        seconds["intervention_outcomes"] = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps(
                {
                    "users": options.users,
                    "events": events,
                    "at_risk": advice.outcome.n_at_risk,
                    "chosen": advice.outcome.n_chosen,
                    "seconds": {name: round(value, 1) for name, value in seconds.items()},
                    "peak_MiB": round(memory),
                }
            )
        )


if __name__ == "__main__":
    main()
