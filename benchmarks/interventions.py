"""Are effects that are known found, and none where there is none? Interventions on the simulated shop, many seeds.

    python benchmarks/interventions.py

The users are those of a simulated shop who were active ten days before its end; who stays without any intervention is
what they did, and the risk before is the share that left of users who had been silent as long. An intervention makes a
share of those who would have left stay (positive), does nothing (none), or makes users of low risk leave (harmful to
some). For each seed the users are assigned by `sqlscore.assign`, and looked at again and again as outcomes come in.
Prints, for each effect: in how many of the seeds the interval covers it at the last look, and at all looks; how often
an effect is said to be there at any look; the mean width of the last interval, without and with the adjustment.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

import sqlscore
from sqlscore.arrays import Bools, Floats
from sqlscore.simulation import simulate_shop

HORIZON_DAYS = 10
LOOKBACK_DAYS = 20
EFFECTS = ("positive", "none", "harmful to some")


@dataclass(frozen=True)
class Customers:
    """One entry a customer: whether she stays if nothing is done, and the risk before."""

    stays: Bools
    risk: Floats


def shop_customers(users: int = 20_000, seed: int = 0) -> Customers:
    """Active customers of the simulated shop at a horizon before its end."""
    shop = simulate_shop(users, seed=seed).events
    with duckdb.connect() as con:
        con.register("shop", shop)
        found = con.sql(
            f"""WITH cut AS (SELECT max(event_time) - INTERVAL {HORIZON_DAYS} DAY AS cut FROM shop),
                users AS (
                    SELECT user_id, bool_or(event_time > cut) AS stays,
                        epoch(cut - max(event_time) FILTER (event_time <= cut)) / 86400 AS silent
                    FROM shop, cut GROUP BY user_id, cut
                    HAVING silent < {LOOKBACK_DAYS}
                )
                SELECT stays, avg(1 - stays::INT) OVER (PARTITION BY floor(silent)) AS risk
                FROM users ORDER BY user_id"""
        ).fetchnumpy()
    return Customers(np.asarray(found["stays"], np.bool_), np.asarray(found["risk"], np.float64))


def with_effect(customers: Customers, effect: str) -> tuple[Floats, Floats]:
    """The probability that each customer stays, without and with the intervention."""
    without = customers.stays.astype(np.float64)
    if effect == "positive":
        return without, np.where(customers.stays, 1.0, 0.3)
    if effect == "none":
        return without, without
    low = customers.risk < 0.4
    return without, np.where(customers.stays & low, 0.8, np.where(customers.stays, 1.0, 0.5))


def fill(
    con: duckdb.DuckDBPyConnection,
    customers: Customers,
    effect: str,
    *,
    seeds: int,
    users: int,
    looks: int,
    held_out: float,
) -> dict[str, float]:
    """Map the events and write the interventions of all seeds and looks; returns the true uplift of each seed.

    A look is an intervention of its own, `SEED/LOOK`, with the first users of the seed.
    """
    without, treated = with_effect(customers, effect)
    blocks, truths = [], {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        drawn = rng.integers(0, len(customers.risk), users)
        luck = rng.random(users)
        blocks.append((drawn, luck < without[drawn], luck < treated[drawn]))
        truths[str(seed)] = float((treated - without).mean())
    drawn, if_not, if_treated = (np.concatenate(columns) for columns in zip(*blocks, strict=True))
    people = pa.table(
        {
            "user_id": np.arange(seeds * users),
            "seed": np.repeat(np.arange(seeds), users),
            "nr": np.tile(np.arange(users), seeds),
            "risk": customers.risk[drawn],
            "if_not": if_not,
            "if_treated": if_treated,
        }
    )
    con.register("people", people)
    con.execute(
        f"""CREATE OR REPLACE TABLE people_assigned AS
            SELECT *, sqlscore.assign(user_id, 'effect', held_out := {held_out}, seed := 7) AS variant FROM people"""
    )
    con.execute(
        f"""CREATE OR REPLACE TABLE e AS
            SELECT user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type FROM people
            UNION ALL SELECT user_id, TIMESTAMP '2024-01-05', 'view' FROM people_assigned
                WHERE CASE variant WHEN 'treated' THEN if_treated ELSE if_not END
            UNION ALL SELECT -1, TIMESTAMP '2024-01-01' + INTERVAL {HORIZON_DAYS + 1} DAY, 'view'"""
    )
    sqlscore.map_events(con, "e", force=True)
    kind = "TABLE" if con.sql("FROM duckdb_tables() WHERE table_name = 'interventions'").fetchall() else "VIEW"
    con.execute(f"DROP {kind} sqlscore.interventions")
    con.execute(
        f"""CREATE TABLE sqlscore.interventions AS
            SELECT user_id, concat(seed, '/', look) AS which, variant, TIMESTAMP '2024-01-02' AS assigned_at,
                1 - {held_out}::DOUBLE AS probability, 7::BIGINT AS seed, risk AS risk_before,
                NULL::VARCHAR AS driver, {HORIZON_DAYS * 86_400.0!r}::DOUBLE AS horizon_seconds,
                NULL::VARCHAR AS model, NULL::TIMESTAMP AS noted_at
            FROM people_assigned, range(1, {looks + 1}) t(look) WHERE nr < {users} * look // {looks}"""
    )
    con.unregister("people")
    return truths


def judge(con: duckdb.DuckDBPyConnection, truths: dict[str, float]) -> dict[str, float]:
    """In how many seeds the interval covers the truth at the last look and at all, and finds an effect at any."""
    rows = con.execute(
        """SELECT split_part(which, '/', 1) AS seed, split_part(which, '/', 2)::INT AS look, uplift_low, uplift_high,
               verdict, variance_removed, raw_uplift FROM sqlscore.intervention_outcomes_with() ORDER BY look"""
    ).fetchall()
    at_last: dict[str, bool] = {}
    at_all: dict[str, bool] = {}
    widths: dict[str, float] = {}
    found: set[str] = set()
    wrong: set[str] = set()
    removed: list[float] = []
    for seed, _, low, high, verdict, share, _ in rows:
        if low is None:
            continue
        covers = low <= truths[seed] <= high
        at_last[seed] = covers
        at_all[seed] = at_all.get(seed, True) and covers
        widths[seed] = high - low
        removed.append(share)
        if verdict in ("helps", "hurts"):
            found.add(seed)
            if (verdict == "helps") != (truths[seed] > 0) or truths[seed] == 0:
                wrong.add(seed)
    return {
        "true_uplift": float(np.mean(list(truths.values()))),
        "covered_at_the_end": sum(at_last.values()),
        "covered_at_all_looks": sum(at_all.values()),
        "said_to_have_an_effect": len(found),
        "said_wrongly": len(wrong),
        "mean_width": float(np.mean(list(widths.values()))),
        "variance_removed": float(np.mean(removed)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--users", type=int, default=2_000, help="assigned in each seed")
    parser.add_argument("--looks", type=int, default=10)
    parser.add_argument("--held-out", type=float, default=0.3)
    options = parser.parse_args()
    customers = shop_customers()
    for effect in EFFECTS:
        with sqlscore.connect() as con:
            start = time.perf_counter()
            truths = fill(
                con,
                customers,
                effect,
                seeds=options.seeds,
                users=options.users,
                looks=options.looks,
                held_out=options.held_out,
            )
            result = judge(con, truths)
            seconds = round(time.perf_counter() - start, 1)
        print(json.dumps({"effect": effect, **{k: round(v, 4) for k, v in result.items()}, "seconds": seconds}))


if __name__ == "__main__":
    main()
