"""Are probabilities calibrated within groups? Claimed against what came, by group, over seeds; chance is two errors.

    python benchmarks/groups.py FILE --group COLUMN [--event-time C] [--feature C] [--seeds 3]

Trains the default model on the file with its groups, and prints, for each group with figures of its own, the mean churn
risk beside the share that churned, how often the predicted action came, and the calibration errors, in the test part,
which nothing was learned from. `far` counts the seeds in which probabilities and what came are further apart than
chance explains (three standard errors, users being independent, as the verdict has it).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import sqlscore

_HEADS = {"churn": ("mean_risk", "base_rate"), "next_action": (None, "accuracy")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--group", required=True)
    parser.add_argument("--event-time", default="event_time")
    parser.add_argument("--feature", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for seed in range(asked.seeds):
        with sqlscore.connect(":memory:") as con:
            sqlscore.map_events(con, asked.file, event_time=asked.event_time, group=asked.group, features=asked.feature)
            model = sqlscore.train(con, seed=seed)
            for row in model.metrics.get("groups", []):
                name = f"{row['pooled']} others" if row["pooled"] else str(row["group"])
                for head in _HEADS:
                    if row.get(head, {}).get("n"):
                        found[head, name].append(row[head])
    print(f"{'head':12}{'group':20}{'n':>8}{'claimed':>9}{'came':>9}{'ece':>7}{'far':>6}")
    for (head, name), rows in sorted(found.items(), key=lambda item: (item[0][0], -item[1][0]["n"])):
        claims, came = _HEADS[head]
        claimed = _mean(rows, claims) if claims is not None else "-"
        far = sum("miscalibrated" in row for row in rows)
        counts = f"{rows[0]['n']:>8,}{claimed:>9}{_mean(rows, came):>9}{_mean(rows, 'ece'):>7}"
        print(f"{head:12}{name:20}{counts}{far:>4}/{len(rows)}")


def _mean(rows: list[dict[str, Any]], key: str) -> str:
    values = [row[key] for row in rows if row.get(key) is not None]
    return f"{sum(values) / len(values):.3f}" if values else "-"


if __name__ == "__main__":
    main()
