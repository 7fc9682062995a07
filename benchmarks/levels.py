"""Actions with two levels: the coarse action predicted from itself alone, and with the finer one read beside it.

python benchmarks/levels.py --data DIR [--seeds 3]: figures of the test part, means over the seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import sqlscore

SETS = {
    "stackexchange_quantum": "event_type || coalesce(':' || badge, '')",
    "rees46_cosmetics": "event_type || coalesce(':' || brand, '')",
}
FIGURES = ("accuracy", "log_loss", "macro_f1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of SET/events.parquet")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print(f"{'':38}" + "".join(f"{figure:>10}" for figure in FIGURES))
    for name, finer in SETS.items():
        with sqlscore.connect() as con:
            con.execute(
                f"CREATE TABLE log AS SELECT *, {finer} AS finer FROM read_parquet(?)",
                [str(asked.data / name / "events.parquet")],
            )
            for words, event_type, level in (("one level", "event_type", None), ("two levels", "finer", "event_type")):
                sqlscore.map_events(con, "log", event_time="ts", event_type=event_type, level=level)
                found = [
                    sqlscore.train(con, churn=False, seed=seed).metrics["next_action"] for seed in range(asked.seeds)
                ]
                means = [np.mean([one[figure] for one in found]) for figure in FIGURES]
                print(f"{name + ', ' + words:38}" + "".join(f"{mean:>10.3f}" for mean in means), flush=True)


if __name__ == "__main__":
    main()
