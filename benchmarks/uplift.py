"""Is it told whom an intervention helps? Uplifts that are known on the simulated shop, learned and judged, many seeds.

    python benchmarks/uplift.py --seeds 20

Customers of a simulated shop who were active ten days before its end are treated or held out by chance. Who stays
without treatment is what they did; the treatment does what `effect_of` says, which `finetune(uplift=...)` has to learn
from the events before. Prints for each effect, over the seeds: the correlation of what is told with the true uplift of
each customer; how often it is said that users can be told apart, rightly or (effects that are the same for all, or
none) wrongly; the error of the mean; and what treating only those with a positive uplift keeps, beside treating all.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

import sqlscore
from sqlscore.arrays import Bools, Floats
from sqlscore.simulation import simulate_shop

HORIZON_DAYS = 10
LOOKBACK_DAYS = 20
EFFECTS = ("positive", "none", "harmful to some")


def open_shop(path: Path, users: int, seed: int = 0) -> tuple[duckdb.DuckDBPyConnection, pa.Table]:
    """A file with the shop's events up to the assignment, mapped, and its active customers.

    Returns the connection and a table: user_id, stays (without treatment), silent (days since the last event), n.
    """
    con = sqlscore.connect(path)
    con.register("shop", simulate_shop(users, seed=seed).events)
    con.execute(f"CREATE TEMP TABLE cut AS SELECT max(event_time) - INTERVAL {HORIZON_DAYS} DAY AS cut FROM shop")
    customers = con.sql(
        f"""SELECT user_id, bool_or(event_time > cut) AS stays, count(*) FILTER (event_time <= cut) AS n,
               epoch(cut - max(event_time) FILTER (event_time <= cut)) / 86400 AS silent
            FROM shop, cut GROUP BY user_id, cut HAVING silent < {LOOKBACK_DAYS} ORDER BY user_id"""
    ).to_arrow_table()
    con.execute("CREATE TABLE e AS SELECT user_id, event_time, event_type FROM shop, cut WHERE event_time <= cut")
    sqlscore.map_events(con, "e")
    con.unregister("shop")
    return con, customers


def effect_of(customers: pa.Table, effect: str) -> tuple[Floats, Floats]:
    """The probability that each customer stays, held out and treated."""
    without = customers["stays"].to_numpy().astype(np.float64)
    silent = customers["silent"].to_numpy()
    if effect == "positive":  # a reminder: it brings back those who have been silent
        return without, np.where(silent > 4, np.maximum(without, 0.55), without)
    if effect == "none":
        return without, without
    given = np.where(silent > 4, np.maximum(without, 0.45), without)  # it annoys those who were here just now
    return without, np.where(silent < 2, 0.6 * without, given)


def treat(con: duckdb.DuckDBPyConnection, customers: pa.Table, effect: str, seed: int, held_out: float = 0.5) -> Bools:
    """Assign the customers, and let come what comes of it; returns who was treated. The file must be fresh."""
    rng = np.random.default_rng([seed, 5])
    n = len(customers)
    treated = rng.random(n) >= held_out
    without, given = effect_of(customers, effect)
    stays = rng.random(n) < np.where(treated, given, without)
    found = pa.table({"user_id": customers["user_id"], "treated": treated, "stays": stays})
    con.register("found", found)
    con.execute(
        f"""INSERT INTO e SELECT user_id, cut + INTERVAL 3 DAY, 'view' FROM found, cut WHERE stays
            UNION ALL SELECT user_id, cut + INTERVAL {HORIZON_DAYS + 1} DAY, 'view' FROM found, cut"""
    )
    con.execute("DROP VIEW sqlscore.interventions")
    con.execute(
        f"""CREATE TABLE sqlscore.interventions AS SELECT user_id, 'offer_a' AS which,
               CASE WHEN treated THEN 'treated' ELSE 'held out' END AS variant, cut AS assigned_at,
               1 - {held_out}::DOUBLE AS probability, {seed}::BIGINT AS seed, NULL::DOUBLE AS risk_before,
               NULL::VARCHAR AS driver, {HORIZON_DAYS * 86_400.0!r}::DOUBLE AS horizon_seconds, NULL::VARCHAR AS model,
               NULL::TIMESTAMP AS noted_at FROM found, cut"""
    )
    con.unregister("found")
    return treated


def told_of(con: duckdb.DuckDBPyConnection, customers: pa.Table) -> Floats:
    """What is told of each customer as of the assignment."""
    con.register("customers", customers)
    ((cut,),) = con.execute("FROM cut").fetchall()
    rows = con.execute(
        f"""SELECT user_id, uplift(e, 'offer_a', as_of := TIMESTAMP '{cut}') AS uplift
           FROM e SEMI JOIN customers USING (user_id) WHERE event_time <= (SELECT cut FROM cut)
           GROUP BY user_id ORDER BY user_id"""
    ).fetchnumpy()
    con.unregister("customers")
    return np.asarray(rows["uplift"], np.float64)


def one_run(template: Path, customers: pa.Table, effect: str, seed: int, folder: Path) -> dict[str, Any]:
    """Treat, learn, and compare with the truth."""
    path = Path(shutil.copy(template, folder / "run.duckdb"))
    with sqlscore.connect(path) as con:
        con.execute("CREATE TEMP TABLE cut AS SELECT max(event_time) AS cut FROM e")
        treat(con, customers, effect, seed)
        info = sqlscore.finetune(con, uplift="offer_a", seed=seed)
        told = told_of(con, customers)
    path.unlink()
    without, given = effect_of(customers, effect)
    truth, figures = given - without, info.metrics["uplift"]
    return {
        "correlation": float(np.corrcoef(told, truth)[0, 1]) if truth.std() > 0 and told.std() > 0 else 0.0,
        "told_apart": figures["qini_low"] > 0,
        "wrong_way": figures["qini_high"] < 0,
        "error_of_mean": float(told.mean() - truth.mean()),
        "true_uplift": float(truth.mean()),
        "gain_of_choosing": float(truth[told > 0].sum() / len(truth)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--users", type=int, default=6_000)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        con, customers = open_shop(folder / "shop.duckdb", options.users)
        sqlscore.train(con, architecture="markov")
        con.close()
        for effect in EFFECTS:
            start = time.process_time()
            runs = [one_run(folder / "shop.duckdb", customers, effect, s, folder) for s in range(options.seeds)]
            print(
                json.dumps(
                    {
                        "effect": effect,
                        "customers": len(customers),
                        **{key: round(float(np.mean([run[key] for run in runs])), 3) for key in runs[0]},
                        "cpu_seconds_a_run": round((time.process_time() - start) / len(runs), 1),
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
