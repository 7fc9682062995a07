"""Does a model say what comes without treatment, where many were treated? With and without weighted labels.

    python benchmarks/weighted_labels.py --seeds 3

Every ten days, customers of the simulated shop who have been silent for four days or more are assigned to a reminder,
three in ten of them held out; of those who get it, eight in ten come back within three days. What they would have done
is known: it is what the shop simulated. Two models are trained on what is seen, one with `weight_from="interventions"`,
and asked ten days before the end for the risks of customers whom the next reminder would go to. Prints the risk that
each says on average, and the share of them who leave if there is none, for several seeds.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

import sqlscore
from sqlscore.simulation import simulate_shop

HORIZON_DAYS = 10
LOOKBACK_DAYS = 20
SILENT_DAYS = 4
MODELS = {"as it was": None, "weighted": "interventions"}


@dataclass(frozen=True)
class Told:
    """What models say of U customers whom the next reminder would go to.

    Attributes:
        risk: by the name of the model, the mean risk.
        left: the share of them who leave if nothing is done.
        users: U.
        weighting: what the notes of the model with weights say of its labels.
    """

    risk: dict[str, float]
    left: float
    users: int
    weighting: dict[str, Any]


def remind(con: duckdb.DuckDBPyConnection, users: int, seed: int, held_out: float = 0.3) -> str:
    """A mapped shop with reminders, up to a horizon before its end. `quiet` has what comes later without any.

    Returns that moment.
    """
    con.register("shop", simulate_shop(users, seed=seed).events)
    con.execute(f"CREATE TABLE cut AS SELECT max(event_time) - INTERVAL {HORIZON_DAYS} DAY AS cut FROM shop")
    con.execute("CREATE TABLE quiet AS SELECT DISTINCT user_id FROM shop, cut WHERE event_time > cut")
    con.execute("CREATE TABLE e AS SELECT user_id, event_time, event_type FROM shop, cut WHERE event_time <= cut")
    con.unregister("shop")
    sqlscore.map_events(con, "e")
    con.execute("DROP VIEW sqlscore.interventions")
    con.execute(
        """CREATE TABLE sqlscore.interventions (user_id BIGINT, which VARCHAR, variant VARCHAR, assigned_at TIMESTAMP,
            probability DOUBLE, seed BIGINT, risk_before DOUBLE, driver VARCHAR, horizon_seconds DOUBLE, model VARCHAR,
            noted_at TIMESTAMP)"""
    )
    ((cut, first),) = con.execute("SELECT cut, min(event_time) FROM cut, e GROUP BY cut").fetchall()
    for number in range(1, (cut - first).days // HORIZON_DAYS):
        con.execute(
            f"""INSERT INTO sqlscore.interventions BY NAME
                SELECT user_id, 'reminder' AS which,
                    sqlscore.assign(user_id, 'reminder', {held_out}, {number}) AS variant,
                    cut - INTERVAL {number * HORIZON_DAYS} DAY AS assigned_at, 1 - {held_out}::DOUBLE AS probability,
                    {number} AS seed, {HORIZON_DAYS * 86_400.0!r} AS horizon_seconds
                FROM e, cut WHERE event_time <= cut - INTERVAL {number * HORIZON_DAYS} DAY GROUP BY user_id, cut
                HAVING max(event_time) < cut - INTERVAL {number * HORIZON_DAYS + SILENT_DAYS} DAY"""
        )
    con.execute(
        f"""INSERT INTO e SELECT user_id, assigned_at + to_seconds(hash(user_id, assigned_at, {seed}) % 259200), 'view'
            FROM sqlscore.interventions WHERE variant = 'treated' AND hash({seed}, assigned_at, user_id) % 10 < 8"""
    )
    return str(cut)


def told(con: duckdb.DuckDBPyConnection, cut: str, seed: int, **options: Any) -> Told:
    """Train both models, and ask them."""
    risk = {}
    for name, weight_from in MODELS.items():
        info = sqlscore.train(con, horizon=f"{HORIZON_DAYS} days", seed=seed, weight_from=weight_from, **options)
        asked = con.execute(
            f"""WITH risks AS (
                    SELECT user_id, churn_risk(e, as_of := TIMESTAMP '{cut}') AS risk FROM e GROUP BY user_id
                    HAVING max(event_time) BETWEEN TIMESTAMP '{cut}' - INTERVAL {LOOKBACK_DAYS} DAY
                        AND TIMESTAMP '{cut}' - INTERVAL {SILENT_DAYS} DAY
                )
                SELECT risk, user_id NOT IN (FROM quiet) AS leaves FROM risks
                WHERE risk IS NOT NULL AND user_id NOT IN (SELECT user_id FROM sqlscore.interventions
                    WHERE variant = 'treated' AND assigned_at >= TIMESTAMP '{cut}' - INTERVAL {HORIZON_DAYS} DAY)"""
        ).fetchnumpy()
        risk[name] = float(np.mean(asked["risk"]))
    return Told(risk, float(np.mean(asked["leaves"])), len(asked["leaves"]), info.notes["weighted_labels"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=3_000)
    parser.add_argument("--max-epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for seed in range(options.seeds):
        with sqlscore.connect(":memory:") as con:
            found = told(
                con, remind(con, options.users, seed), seed, max_epochs=options.max_epochs, hidden=16, width=16
            )
        print(
            json.dumps(
                {
                    "seed": seed,
                    "customers": found.users,
                    "leave": round(found.left, 3),
                    **{f"risk, {name}": round(value, 3) for name, value in found.risk.items()},
                    "labels": found.weighting,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
