"""Every view and table macro against the plainest passes over the same events, in one run.

The unit is `SELECT user_id, count(*) GROUP BY user_id` plus one window over `PARTITION BY user_id ORDER BY event_time`:
what any per-user question in time order costs at least. Every column of every row is consumed, by hashing it.
Seconds are of the processor, all threads together: they mean the same on a machine that does other work.

python benchmarks/views.py [--events 10000000] [--memory 8GB] [--only NAME]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import duckdb
from workload import make_events, make_model

import sqlscore
from sqlscore.sql.objects import objects

COUNT = "SELECT user_id, count(*) AS n FROM events GROUP BY user_id"
WINDOW = "SELECT user_id, lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time) AS previous FROM events"

CALLS = {
    "session_events_with": "gap := INTERVAL 1 HOUR",
    "sessions_with": "gap := INTERVAL 1 HOUR",
    "session_stats_with": "period := 'week'",
    "churn_labels_inactivity": "horizon := INTERVAL 14 DAY, lookback := INTERVAL 28 DAY",
    "churn_labels_first_touch": "horizon := INTERVAL 14 DAY",
    "churn_labels_lapsed": "horizon := INTERVAL 14 DAY",
    "scored_segments_with": "medium_from := 0.2",
    "transitions_with": "within := INTERVAL 30 MINUTE",
    "action_stats_with": "horizon := INTERVAL 14 DAY, lookback := INTERVAL 28 DAY",
    "feature_prospects": "'action_9'",
    "paths": "to_action := 'action_3'",
    "funnel": "['action_1', 'action_2', 'action_3'], within := INTERVAL 1 DAY",
    "cohort_retention_with": "period := 'week'",
    "lifecycle_with": "period := 'week'",
    "rfm": "action := 'action_1'",
    "judged_scores": "'scores_then', 'labels_then'",
    "evaluate_churn": "'scores_then', 'labels_then'",
    "calibration_bins": "'scores_then', 'labels_then'",
    "lift_table": "'scores_then', 'labels_then'",
    "threshold_table": "'scores_then', 'labels_then'",
    "evaluate_next_action": "'scores_then', 'sqlscore.events'",
    "drift": "'events_before', 'events_since'",
    "drift_bins": "'events_before', 'events_since'",
    "score_drift": "'scores_then', 'sqlscore.scored_users'",
    "score_drift_bins": "'scores_then', 'sqlscore.scored_users'",
    "unknown_rate": "'events@1'",
}
"""Arguments of each table macro."""

NOT_TIMED = {
    "live_scored_users": "the model's speed: see ad_hoc.py",
    "live_scored_sessions": "the model's speed: see ad_hoc.py",
    "score_diff": "the model's speed, twice",
    "user_vectors": "the model's speed: see ad_hoc.py",
    "similar_users": "see similar.py",
    "drift_of_bins": "reads the few rows of drift_bins",
    "shares_of_bins": "a step of drift_bins",
    "two_sided_p": "a scalar",
    "utc_moment": "a scalar",
    "model_metrics": "reads the registry",
    "reliability_bins": "reads the registry",
    "tested_thresholds": "reads the registry",
    "action_attention": "reads the registry",
    "past_scores": "a table",
    "scored_users": "a table",
    "scored_sessions": "a table",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--only", help="time this one alone")
    chosen = parser.parse_args()
    named = {item.name for item in objects() if item.kind == "view"} | set(CALLS)
    missing = {item.name for item in objects()} - named - set(NOT_TIMED)
    if missing:
        raise SystemExit(f"say how to call {', '.join(sorted(missing))}, or why they are not timed")
    with tempfile.TemporaryDirectory() as folder:
        con = sqlscore.connect(Path(folder) / "views.duckdb", threads=2, memory_limit=chosen.memory)
        prepare(con, chosen.events)
        consume(con, COUNT)  # the first reads the file
        unit = consume(con, COUNT) + consume(con, WINDOW)
        print(f"{chosen.events:,} events, memory limit {chosen.memory}: count and window by user {unit:.2f} CPU s = 1")
        print("| view or macro | CPU seconds | ratio |\n|---|---|---|")
        for item in objects():
            if item.name in NOT_TIMED or chosen.only not in (None, item.name):
                continue
            call = f"({CALLS[item.name]})" if item.kind == "macro" else ""
            seconds = consume(con, f"SELECT * FROM sqlscore.{item.name}{call}")
            print(f"| `{item.name}` | {seconds:.2f} | {seconds / unit:.1f} |", flush=True)
        con.close()


def prepare(con: duckdb.DuckDBPyConnection, events: int) -> None:
    """Events in visits of five, a model, its scores now and a month ago, and what came true since."""
    make_events(con, events, events // 10, session_events=5)
    make_model(con, "mingru")
    sqlscore.refresh(con)
    sqlscore.backtest(con, start="2024-03-03", every="100 days", horizon="14 days")
    con.execute(
        """CREATE TABLE scores_then AS
           SELECT user_id, as_of, churn_risk, next_action, next_action_probability, last_event_time, n_events, model,
               [{'action': next_action, 'probability': next_action_probability}] AS next_actions,
               NULL::DOUBLE AS seconds_to_next_action
           FROM sqlscore.past_scores"""
    )
    con.execute(
        """CREATE TABLE labels_then AS FROM sqlscore.churn_labels_inactivity(
               as_of := '2024-03-03', horizon := INTERVAL 14 DAY, lookback := INTERVAL 28 DAY)"""
    )
    con.execute("CREATE VIEW events_before AS FROM events WHERE event_time < '2024-03-03'")
    con.execute("CREATE VIEW events_since AS FROM events WHERE event_time >= '2024-03-03'")


def consume(con: duckdb.DuckDBPyConnection, query: str) -> float:
    """CPU seconds of a query whose every value is read."""
    before = time.process_time()
    con.execute(f"SELECT count(*), bit_xor(hash(result_row)) FROM ({query}) AS result_row").fetchall()
    return time.process_time() - before


if __name__ == "__main__":
    main()
