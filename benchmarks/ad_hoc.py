"""SQL functions in a GROUP BY against the export pipeline: same events, same weights, same run.

python benchmarks/ad_hoc.py [--events 2000000] [--users 200000]
"""

from __future__ import annotations

import argparse
from functools import partial

from export_pipeline import export_and_score
from workload import ACTIONS, make_events, make_model, timed

import sqlscore
from sqlscore.scoring.cache.states import STATES

SCORE = """CREATE OR REPLACE TABLE sql_scores AS
    SELECT user_id, predict_next_action(e) AS next_action, churn_risk(e) AS churn_risk FROM events e GROUP BY user_id"""
DIFFERENT = """SELECT count(*) FROM sql_scores a FULL JOIN exported_scores b USING (user_id)
    WHERE a.next_action IS DISTINCT FROM b.next_action OR NOT abs(a.churn_risk - b.churn_risk) < 1e-4"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    con = sqlscore.connect()
    make_events(con, chosen.events, chosen.users)
    model = make_model(con)
    con.execute("SELECT list_predict_next_action(['action_1'])").fetchall()  # load once

    def score() -> None:
        STATES.clear()  # a repeated query would be answered from the cache
        con.execute(SCORE)

    score()
    ours = min(timed(score)[0] for _ in range(chosen.repeats))
    theirs = min(timed(partial(export_and_score, con, model, ACTIONS, threads=n))[0] for n in (1, 2))
    different = con.execute(DIFFERENT).fetchall()[0][0]
    rows = con.execute("SELECT count(*) FROM sql_scores").fetchall()[0][0]
    con.close()
    print(f"{chosen.events:,} events, {rows:,} users scored, {different} of them different between the two")
    print(f"export pipeline {theirs:.2f} s, SQL functions {ours:.2f} s: {theirs / ours:.1f} times faster")
    if different:
        raise SystemExit("the two disagree: no speed is claimed")


if __name__ == "__main__":
    main()
