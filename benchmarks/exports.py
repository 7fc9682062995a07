"""What reading GA4's form costs: mapping and a full refresh, against the same events as a plain table.

    python benchmarks/exports.py [--events 10000000] [--users 200000]

Rows as BigQuery has them, nested parameters included, one in fifty delivered twice, two in five devices with a login.
The plain table holds what `sqlscore.events` shows of them: user, time, action and the order of a moment. Both sides are
mapped and refreshed from nothing, in a file of their own, with the same weights, in turns after a warm one, and must
give the same scores. `--events-in parquet` reads a file in place of a table; `--clock
processor` counts the seconds of the processors, for a machine that others use too.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import duckdb
from workload import in_turns, random_model

import sqlscore
from sqlscore.database.registry import register

_ROWS = """
    SELECT 1735689600000000 + CAST(i * (90 * 86400000000 / {events}) AS BIGINT) // 1000000 * 1000000 AS event_timestamp,
        'action_' || CAST(floor(12 * pow((hash(i * 7 + 1) % 10007) / 10007.0, 2)) AS INTEGER) AS event_name,
        [{{'key': 'ga_session_id', 'value': {{'string_value': CAST(NULL AS VARCHAR), 'int_value': i // 40}}}},
         {{'key': 'page_location', 'value': {{'string_value': '/p' || i % 997, 'int_value': CAST(NULL AS BIGINT)}}}}]
            AS event_params,
        d || '.17' AS user_pseudo_id,
        CASE WHEN d % 5 < 2 AND hash(i) % 3 = 0 THEN 'user_' || d // 2 END AS user_id,
        '42' AS stream_id, i // 40 AS batch_page_id, i // 8 AS batch_ordering_id, i % 8 AS batch_event_index,
        'WEB' AS platform, {{'category': 'mobile'}} AS device, {{'country': 'Japan'}} AS geo
    FROM (SELECT i, CAST(floor({users} * pow((hash(i // 4) % 1000000007) / 1000000007.0, 1.5)) AS BIGINT) AS d
          FROM (SELECT unnest(CASE WHEN i % 50 = 0 THEN [i, i] ELSE [i] END) AS i FROM range({events}) t(i)))"""
_ORDER = ("batch_page_id", "batch_ordering_id", "batch_event_index")


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--events-in", choices=("table", "parquet"), default="table")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--repeats", type=int, default=2)
    chosen = parser.parse_args()
    _, stored = random_model()
    with tempfile.TemporaryDirectory() as folder:
        export, plain = Path(folder) / "export.duckdb", Path(folder) / "plain.duckdb"
        files = Path(folder) / "events_20250101.parquet"
        rows = _ROWS.format(events=chosen.events, users=chosen.users)
        with sqlscore.connect(export) as con:
            con.execute("SET threads = 2")
            if chosen.events_in == "table":
                con.execute(f"CREATE TABLE raw AS {rows}")
            else:
                con.execute(f"COPY ({rows}) TO '{files}'")
            sqlscore.map_export(con, "ga4", "raw" if chosen.events_in == "table" else files)
            register(con, stored, name="events", mapping="events", champion=True, verb="benchmark")
            names = ", ".join(("user_id", "event_time", "event_type", *_ORDER))
            con.execute(f"ATTACH '{plain}' AS plain; CREATE TABLE plain.events AS SELECT {names} FROM sqlscore.events")
        with sqlscore.connect(plain) as con:
            sqlscore.map_events(con, "events", order=_ORDER)
            register(con, stored, name="events", mapping="events", champion=True, verb="benchmark")
        steps: dict[str, dict[str, float]] = {}
        with sqlscore.connect(export) as one, sqlscore.connect(plain) as other:
            one.execute("SET threads = 2")
            other.execute("SET threads = 2")
            source = "raw" if chosen.events_in == "table" else files
            steps["map"] = in_turns(
                {
                    "export": lambda: sqlscore.map_export(one, "ga4", source),
                    "plain": lambda: sqlscore.map_events(other, "events", order=_ORDER),
                },
                chosen.repeats,
                CLOCKS[chosen.clock],
            )
            steps["refresh"] = in_turns(
                {
                    "export": lambda: sqlscore.refresh(one, full=True),
                    "plain": lambda: sqlscore.refresh(other, full=True),
                },
                chosen.repeats,
                CLOCKS[chosen.clock],
            )
            assert _scores(one) == _scores(other)
        steps["both"] = {side: steps["map"][side] + steps["refresh"][side] for side in ("export", "plain")}
        for step, seconds in steps.items():
            export_s, plain_s = seconds["export"], seconds["plain"]
            print(f"{step:8} export {export_s:7.2f} s, plain {plain_s:7.2f} s: {export_s / plain_s:.2f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of both {peak:,.0f} MB")


def _scores(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """What was scored, in numbers that do not depend on the order of floating sums."""
    return con.execute(
        """SELECT count(*), sum(n_events), sum(hash(user_id, n_events, last_event_time, next_action)::HUGEINT),
            round(avg(churn_risk), 6) FROM sqlscore.scored_users"""
    ).fetchall()


if __name__ == "__main__":
    main()
