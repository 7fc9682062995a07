"""Is spend told better than models of buying tell it? A head of the mapped amount beside BG/NBD with gamma-gamma.

    python benchmarks/amount.py --data DIR [--architecture gru] [--horizon "90 days"]

Reads the invoices of a real wholesaler (online_retail/invoices.parquet, where cancelled ones are refunds), learns what
each customer spends within the horizon, and prints for later moments and for other users: the Tweedie deviance of power
1.5, the mean absolute error, the mean that was told beside the mean that came, and by how many standard errors over
users the head's deviance is below each baseline's. Then how many users are in the interval that `value_quantiles` says
holds 80 %, the verdict, and the segments with the most value at risk. Processor seconds are of this process.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import sqlscore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of SET/*.parquet")
    parser.add_argument("--architecture", default="gru")
    parser.add_argument("--horizon", default="90 days")
    asked = parser.parse_args()
    with sqlscore.connect(threads=1) as con:
        con.execute(
            "CREATE TABLE log AS SELECT user_id, ts, event_type, value, country FROM read_parquet(?)",
            [str(asked.data / "online_retail" / "invoices.parquet")],
        )
        sqlscore.map_events(con, "log", event_time="ts", features=["country"], amount="value")
        began = time.process_time()
        base = sqlscore.train(con, architecture=asked.architecture)
        trained = time.process_time()
        head = sqlscore.finetune(con, amount=True, horizon=asked.horizon)
        done = time.process_time()
        print(f"{base.label} ({asked.architecture}) in {trained - began:.1f} CPU s, the head in {done - trained:.1f}")
        print(f"{head.notes['n_labels']:,} labels at {head.notes['moments']} moments, {head.notes['cpu_seconds']}")
        for part, found in head.metrics["label"].items():
            print(f"\n{part}: {found['n']:,} labels of {found['users']:,} users, mean {found['mean_label']:.1f}")
            print(f"{'':22}{'deviance':>10}{'abs error':>11}{'mean told':>11}{'head better':>13}")
            for name, figures in (("head", found), *found["baselines"].items()):
                better = f"{figures['better']:>13.1f}" if "better" in figures else ""
                print(
                    f"{name:22}{figures['loss']:>10.2f}{figures['mean_absolute_error']:>11.1f}"
                    f"{figures['mean_expected']:>11.1f}{better}"
                )
            print(f"p10 to p90 holds {found['coverage_80']:.1%}, below p90 are {found['below_p90']:.1%}")
        for sentence in head.metrics["verdict"]:
            print(sentence)
        sqlscore.refresh(con)
        print(
            con.sql(
                """SELECT risk_band, next_action, n_users, round(expected_spend) AS expected_spend,
                       round(value_at_risk) AS value_at_risk
                   FROM sqlscore.segment_value_at_risk ORDER BY value_at_risk DESC LIMIT 4"""
            )
        )


if __name__ == "__main__":
    main()
