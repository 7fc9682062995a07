"""The untuned default on the shared logs, by protocols that other methods were measured on, through the public verbs.

    python benchmarks/protocols.py [--seeds 3] [--data DIR] [--architecture gru]
        [--only mobile,quantum,invoices,retail,cosmetics,churn,churn_past]

Next action: the first 80 % of users by first event train, the rest test, at every event that another one follows;
`counting` is the log-loss of the best of the padded Markov chains that count the same users, all or their newer half.
The exit code is 1 if that of some seed exceeds it by more than 0.002. `retail` is the lines of the wholesaler's
invoices; `cosmetics` has its price, brand and category as features. Others were measured on `mobile` and `quantum`.
Churn: as of a cut at two thirds of the span, horizon one third, users seen before the cut. `churn` maps the whole log,
and takes the figures of training's own test, whose date is the cut; `churn_past` maps the events up to the cut alone,
two horizons, and scores them with the model that learned all of these. Nothing after the cut is read before the risks
are compared with what happened.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import sqlscore
from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.registry import ModelInfo
from sqlscore.progress import Silent
from sqlscore.quoting import literal
from sqlscore.training.data.encoding import encode_log
from sqlscore.training.data.event_log import read_log
from sqlscore.training.data.windows import windows
from sqlscore.training.evaluation import baselines, metrics
from sqlscore.training.evaluation.evaluate import transitions_at
from sqlscore.training.evaluation.metrics import calibration_error
from sqlscore.training.evaluation.predicted import predict

TOLERATED = 0.002  # of log-loss above counting


@dataclass(frozen=True)
class Log:
    """An event log: its file, the rows that count, the features that are mapped, and what others reached on it."""

    file: str
    where: str = "true"
    features: tuple[str, ...] = ()
    references: tuple[tuple[str, float], ...] = ()


INVOICES = "online_retail/invoices.parquet"
CHURN = Log(
    INVOICES,
    features=("n_lines", "value"),
    references=(("recency", 0.700), ("BG/NBD", 0.732), ("contrastive", 0.748), ("logistic", 0.757), ("wanted", 0.757)),
)
LOGS = {
    "mobile": Log(
        "mobile_onboarding/events.parquet",
        "event_type NOT IN ('lost', 'passed')",
        references=(
            ("Markov-3", 0.685),
            ("LightGBM", 0.757),
            ("attention RNN", 0.749),
            ("GRU", 0.763),
            ("wanted", 0.763),
        ),
    ),
    "quantum": Log(
        "stackexchange_quantum/events.parquet",
        references=(("Markov-3", 0.685), ("LightGBM", 0.695), ("GRU", 0.705), ("wanted", 0.706)),
    ),
    "invoices": Log(INVOICES),
    "retail": Log("online_retail/events.parquet", "user_id IS NOT NULL"),
    "cosmetics": Log("rees46_cosmetics/events.parquet", features=("price", "brand", "category_code")),
    "churn": CHURN,
    "churn_past": CHURN,
}
JUDGED = """
    WITH following AS (
        SELECT *, lead(event_type) OVER (PARTITION BY user_id ORDER BY event_time, event_type, sqlscore_nth) AS actual
        FROM (SELECT *, row_number() OVER () AS sqlscore_nth FROM history)
    )
    SELECT next_action = actual, next_action_probability FROM following WHERE actual IS NOT NULL
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--only", default=",".join(LOGS))
    parser.add_argument("--architecture", default="gru")
    chosen = parser.parse_args()
    exceeding = 0
    for name in chosen.only.split(","):
        protocol = {"churn": churn, "churn_past": churn_past}.get(name, next_action)
        found = [protocol(name, chosen.data, chosen.architecture, seed) for seed in range(chosen.seeds)]
        exceeding += report(name, chosen.architecture, found)
    sys.exit(1 if exceeding else 0)


def report(name: str, architecture: str, found: list[dict[str, float]]) -> int:
    """Print the figures of all seeds, and give in how many the log-loss exceeds that of counting."""
    peers = ", ".join(f"{peer} {value:.3f}" for peer, value in LOGS[name].references)
    print(f"{name}, {architecture}, {found[0]['n']:,.0f} judged{f' ({peers})' if peers else ''}")
    for key in found[0]:
        values = [one[key] for one in found]
        if key != "n":
            each = " ".join(f"{value:.4f}" for value in values)
            spread = f"  spread {max(values) - min(values):.4f}" if key in ("accuracy", "log_loss", "auc") else ""
            print(f"  {key:12} {np.mean(values):.4f}  ({each}){spread}")
    exceeding = 0
    if "counting" in found[0]:
        above = [one["log_loss"] - one["counting"] for one in found]
        exceeding = sum(by > TOLERATED for by in above)
        print(
            f"  log-loss above that of counting by more than {TOLERATED}: {exceeding} of {len(above)} seeds "
            f"(by {' '.join(f'{by:+.4f}' for by in above)})"
        )
    sys.stdout.flush()
    return exceeding


def next_action(name: str, data: Path, architecture: str, seed: int) -> dict[str, float]:
    con = opened(name, data)
    con.execute(
        """CREATE TABLE split AS SELECT user_id, row_number() OVER (ORDER BY min(ts), user_id) AS nth
           FROM log GROUP BY user_id"""
    )
    (users,) = con.execute("SELECT count(*) FROM split").fetchall()[0]
    for part, condition in (("past", "nth <= ?"), ("rest", "nth > ?")):
        con.execute(
            f"CREATE TABLE {part} AS SELECT log.* FROM log JOIN split USING (user_id) WHERE {condition}",
            [int(0.8 * users)],
        )
    sqlscore.map_events(con, "past", event_time="ts", features=LOGS[name].features)
    began = time.process_time()
    sqlscore.train(con, architecture=architecture, seed=seed, promote=True)
    seconds = time.process_time() - began
    sqlscore.score_history(con, into="history", events="rest")
    correct, confidence = np.array(con.execute(JUDGED).fetchall(), dtype=np.float64).T
    log_loss, counting = log_losses(con)
    con.close()
    return {
        "n": len(correct),
        "accuracy": float(correct.mean()),
        "log_loss": log_loss,
        "ece": calibration_error(confidence, correct == 1),
        "counting": counting["log_loss"],
        "its accuracy": counting["accuracy"],
        "seconds": seconds,
    }


def log_losses(con: duckdb.DuckDBPyConnection) -> tuple[float, dict[str, float]]:
    """The log-loss of the model on `rest`, and the figures there of the best that counts `past`, by log-loss."""
    artifact, source = catalog(con).artifact(None, "events"), mapped(con, "events")
    past, rest = (read_log(con, replace(source, relation=part), 10**9, 10**9, Silent()) for part in ("past", "rest"))
    known, data = encode_log(past, artifact.manifest.inputs), encode_log(rest, artifact.manifest.inputs)
    predicted = predict(artifact, data, windows(rest, data, None, None, None, None, None), Silent())
    test = transitions_at(data, predicted.at)
    guesses = baselines.all_of(transitions_at(known, np.flatnonzero(known.target > 0)), test, data.known)
    figures = [metrics.baseline_metrics(test.following, guess) for guess in guesses.values()]
    own = metrics.mean_log_loss(test.following, predicted.probability)
    return own or 0.0, min(figures, key=lambda found: found["log_loss"])


def churn(name: str, data: Path, architecture: str, seed: int) -> dict[str, float]:
    con, cut, last = opened_at_cut(name, data)
    info, seconds = trained_for_churn(con, "log", LOGS[name].features, architecture, seed, (last - cut) / 1e6)
    con.close()
    periods, found = info.notes["periods"], info.metrics["churn"]
    if periods["t2"] > cut or any(abs(date - cut) > 1 for date in periods["churn"]["test"]):
        raise SystemExit("the judged model read events of after the cut: its figures would mean nothing")
    figures = {name: found[name] for name in ("n", "auc", "log_loss", "ece", "base_rate")}
    return figures | {"seconds": seconds}


def churn_past(name: str, data: Path, architecture: str, seed: int) -> dict[str, float]:
    from sklearn.metrics import log_loss, roc_auc_score

    con, cut, last = opened_at_cut(name, data)
    _, seconds = trained_for_churn(con, "past", LOGS[name].features, architecture, seed, (last - cut) / 1e6)
    con.execute("SET VARIABLE cut = CAST(? AS BIGINT)", [cut])
    rows: list[tuple[Any, ...]] = con.execute(
        """SELECT churn_risk(e, as_of := make_timestamp(getvariable('cut'))),
                  user_id NOT IN (SELECT user_id FROM log WHERE epoch_us(ts) > getvariable('cut'))
           FROM past e GROUP BY user_id"""
    ).fetchall()
    con.close()
    risk, gone = np.array(rows, dtype=np.float64).T
    return {
        "n": len(rows),
        "auc": float(roc_auc_score(gone, risk)),
        "log_loss": float(log_loss(gone, risk)),
        "ece": calibration_error(risk, gone == 1, 10),
        "base_rate": float(gone.mean()),
        "said": float(risk.mean()),
        "seconds": seconds,
    }


def opened_at_cut(name: str, data: Path) -> tuple[duckdb.DuckDBPyConnection, int, int]:
    """(a database with the tables log and past, the cut, the last time), times in µs."""
    con = opened(name, data)
    first, last = con.execute("SELECT epoch_us(min(ts)), epoch_us(max(ts)) FROM log").fetchall()[0]
    cut = first + (last - first) * 2 // 3
    con.execute("CREATE TABLE past AS FROM log WHERE epoch_us(ts) <= ?", [cut])
    return con, cut, last


def trained_for_churn(
    con: duckdb.DuckDBPyConnection,
    table: str,
    features: Sequence[str],
    architecture: str,
    seed: int,
    horizon: float,
) -> tuple[ModelInfo, float]:
    """The model of a table, and the processor seconds that its training took."""
    sqlscore.map_events(con, table, event_time="ts", features=features)
    began = time.process_time()
    info = sqlscore.train(con, architecture=architecture, seed=seed, horizon=horizon, lookback=float("inf"))
    return info, time.process_time() - began


def opened(name: str, data: Path) -> duckdb.DuckDBPyConnection:
    log = LOGS[name]
    con = sqlscore.connect(threads=1)
    con.execute(f"CREATE TABLE log AS FROM read_parquet({literal(str(data / log.file))}) WHERE {log.where}")
    return con


if __name__ == "__main__":
    main()
