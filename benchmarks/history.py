"""A score after every event: `score_history` against OVER with 50 preceding, same events, same model, same run.

    python benchmarks/history.py [--events 1000000] [--users 2000] [--architecture gru]
    python benchmarks/history.py --functions [--events 100000] [--users 1000] [--preceding 50]

Users have 500 events on average, so that nearly every frame is full. With --functions: three functions over one frame
against each of them alone, in CPU seconds of one thread of the engine.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import duckdb
from workload import make_events, make_model, timed

import sqlscore
from sqlscore.scoring.cache.states import STATES

OVER = """CREATE OR REPLACE TABLE windowed AS SELECT user_id, event_time, score_events(e, as_of := e.event_time) OVER (
    PARTITION BY user_id ORDER BY event_time ROWS BETWEEN 50 PRECEDING AND CURRENT ROW) AS score FROM events e"""

FUNCTIONS = ("predict_next_action(e)", "churn_risk(e, as_of := e.event_time)", "seconds_to_next_action(e)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--functions", action="store_true", help="three functions over one frame, against one")
    parser.add_argument("--preceding", type=int, default=50)
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users)
    make_model(con, chosen.architecture)
    if chosen.functions:
        functions(con, chosen.preceding)
        con.close()
        return
    sqlscore.score_history(con, into="history")
    ours = min(timed(lambda: sqlscore.score_history(con, into="history"))[0] for _ in range(3))

    def windowed() -> None:
        STATES.clear()
        con.execute(OVER)

    theirs = timed(windowed)[0]
    con.close()
    print(f"{chosen.events:,} events of {chosen.users:,} users")
    print(f"OVER with 50 preceding {theirs:.2f} s, score_history {ours:.2f} s: {theirs / ours:.1f} times faster")


def functions(con: duckdb.DuckDBPyConnection, preceding: int) -> None:
    """Print what three functions cost together, and each alone."""
    con.execute("SET threads = 1")
    frame = f"(PARTITION BY user_id ORDER BY event_time ROWS BETWEEN {preceding} PRECEDING AND CURRENT ROW)"

    def seconds(*calls: str) -> float:
        columns = ", ".join(f"{call} OVER {frame} AS score_{i}" for i, call in enumerate(calls))
        STATES.clear()
        began = time.process_time()
        con.execute(f"CREATE OR REPLACE TABLE framed AS SELECT user_id, event_time, {columns} FROM events e")
        return time.process_time() - began

    seconds(*FUNCTIONS)
    turns = [[*(seconds(call) for call in FUNCTIONS), seconds(*FUNCTIONS)] for _ in range(3)]
    *alone, together = (median(turn) for turn in zip(*turns, strict=True))
    each = ", ".join(f"{one:.2f}" for one in alone)
    print(f"each alone {each} s, all three {together:.2f} s: {together / max(alone):.2f} times the slowest")


if __name__ == "__main__":
    main()
