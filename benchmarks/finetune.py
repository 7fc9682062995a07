"""Labels of one's own by how many there are: a head on a trained encoder beside what learns from labels alone.

python benchmarks/finetune.py --data DIR [--seeds 3] [--log NAME] [--plot FILE.svg]: log-loss and ROC AUC on later
moments, means over the seeds, each of which draws other labels; the base is trained once. `scratch` is the base's
network with new weights, trained on the labels alone; `logistic` and `lightgbm` read counts, sums and recency; `last
time` is what followed the same last label of a user, learned or not. `at level` is the log-loss once all logits are
moved by the one number that suits the judged moments best: what is above it is a share of yes that moved since. At the
end what is wanted of a head, seed by seed in standard errors over users (below -2: worse beyond noise), and CPU
seconds.

With --tune, a head on the encoder as it is beside one on a copy that was tuned for the label, see `finetune_tuned.py`.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import torch
from finetune_learners import answers, whole
from finetune_tuned import measure_tuned
from scipy.optimize import minimize_scalar

import sqlscore
from sqlscore.arrays import Floats, Ints
from sqlscore.database.catalog import catalog, mapped
from sqlscore.finetuning.examples import examples_of
from sqlscore.finetuning.judging import figures, in_errors, losses
from sqlscore.finetuning.labels import Labels, read_labels
from sqlscore.finetuning.parts import parts_of
from sqlscore.simulation.shop import simulate_shop

SIZES = (100, 1_000, 10_000)
TIMED = 10_000
NOISE = -2.0
PEERS = ("scratch", "logistic", "lightgbm", "last time")


class Log(NamedTuple):
    """A log, what is mapped of it, and the label: the SQL of moments, of the window, and of an event that counts."""

    name: str
    time: str
    features: list[str]
    first: str
    last: str
    step: str
    window: str
    counts: str

    @property
    def labels(self) -> str:
        """Whether such an event comes within the window."""
        within = f"e.{self.time} > m.as_of AND e.{self.time} <= m.as_of + INTERVAL {self.window}"
        return f"""WITH moments AS (SELECT unnest(generate_series(
                       TIMESTAMP '{self.first}', TIMESTAMP '{self.last}', INTERVAL {self.step})) AS as_of)
                   SELECT e.user_id, m.as_of, m.as_of + INTERVAL {self.window} AS known_at,
                          count(*) FILTER ({self.counts} AND {within}) > 0 AS label
                   FROM log e CROSS JOIN moments m GROUP BY ALL HAVING min(e.{self.time}) <= m.as_of"""


LOGS = (
    Log("simulated shop", "event_time", ["brand", "price", "channel"], "2025-01-20", "2025-03-20", "14 DAY", "14 DAY",
        "e.event_type = 'purchase'"),
    Log("online_retail", "ts", ["n_lines", "value", "country"], "2011-02-01", "2011-11-01", "1 MONTH", "30 DAY",
        "e.event_type = 'purchase'"),
)  # fmt: skip


class Result(NamedTuple):
    """What one learner's answers are worth on later moments, with one seed."""

    losses: Floats  # of each judged label
    users: Ints  # whose it is
    auc: float
    seconds: float
    at_level: float  # the mean loss if all logits are moved to the share of yes at these moments

    @property
    def loss(self) -> float:
        """The mean."""
        return float(self.losses.mean())


Found = dict[tuple[str, int], list[Result]]
"""By learner and number of labels, one a seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of SET/*.parquet")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--users", type=int, default=6_000, help="of the simulated shop")
    parser.add_argument("--log", choices=[log.name for log in LOGS], help="only this one")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--tune", action="store_true", help="encoders that are tuned beside those as they are, alone")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    drawn: dict[str, Found] = {}
    for log in (log for log in LOGS if asked.log in (None, log.name)):
        with sqlscore.connect() as con:
            make_log(con, log, "log", asked.users, asked.data)
            if asked.tune:
                sqlscore.map_events(con, "log", event_time=log.time, features=log.features)
                print(f"\n{log.name}", flush=True)
                measure_tuned(con, log.labels, SIZES[:2], asked.seeds)
                continue
            drawn[log.name] = measure(con, log, asked.seeds)
    if asked.plot is not None and drawn:
        plot(drawn, asked.plot)


def make_log(con: duckdb.DuckDBPyConnection, log: Log, table: str, users: int, data: Path) -> None:
    """Make the table of a log: of a simulated shop of so many users, or from a file in a folder of `data`."""
    if log.name == "simulated shop":
        con.from_arrow(simulate_shop(users=users).events).create(table)
    else:
        con.execute(f"CREATE TABLE {table} AS FROM read_parquet(?)", [str(data / log.name / "invoices.parquet")])


def measure(con: duckdb.DuckDBPyConnection, log: Log, seeds: int) -> Found:
    """Print the table of one log, and what is wanted."""
    sqlscore.map_events(con, "log", event_time=log.time, features=log.features)
    began = time.process_time()
    info = sqlscore.train(con)
    training = time.process_time() - began
    base = catalog(con).judged(info.label, "events")
    source = mapped(con, "events")
    newest = con.execute("SELECT epoch_us(max(event_time)) FROM sqlscore.events").fetchall()[0][0]
    began = time.process_time()
    labels = read_labels(con, source, log.labels, None, newest)
    examples = examples_of(con, source, [base], labels, 1)
    reading = time.process_time() - began
    events = (base, whole(con, base))
    print(f"\n{log.name}: {len(labels):,} labels, {labels.wanted.mean():.1%} true; base {info.label}", flush=True)
    print(f"{'labels':>8} {'':12}{'log-loss':>10}{'least':>8}{'most':>8}{'at level':>10}{'AUC':>8}{'CPU s':>8}")
    everything = len(parts_of(labels, 0).learned)
    hundredth, tenth = everything // 100, everything // 10
    sizes = {*(size for size in SIZES if size < everything), hundredth, tenth, everything}
    found: Found = defaultdict(list)
    for size in sorted(sizes):
        for seed in range(seeds):
            parts = parts_of(labels, seed)
            learned = np.sort(np.random.default_rng(seed).permutation(parts.learned)[:size])
            for name, told, spent in answers(examples, events, labels, learned, seed):
                found[name, size].append(result(labels, parts.later, told, spent))
        for name in ("head", *PEERS):
            each = found[name, size]
            loss = [one.loss for one in each]
            print(
                f"{size:>8,} {name:12}{np.mean(loss):>10.4f}{min(loss):>8.4f}{max(loss):>8.4f}"
                f"{np.mean([one.at_level for one in each]):>10.4f}{np.mean([one.auc for one in each]):>8.3f}"
                f"{np.mean([one.seconds for one in each]):>8.2f}",
                flush=True,
            )
    wanted(found, hundredth, tenth, everything)
    size = min(TIMED, everything)
    head = float(np.mean([one.seconds for one in found["head", size]])) + reading * size / len(labels)
    print(
        f"a head on {size:,} labels, reading and encoding included: {head:.1f} CPU s (wanted 5), {head / training:.2f} "
        f"of training the base, {training:.1f} CPU s (wanted 0.1)",
        flush=True,
    )
    return found


def result(labels: Labels, rows: Ints, told: Floats, seconds: float) -> Result:
    """Answers, judged on some labels."""
    auc = figures(labels, rows, told[rows])["auc"]
    p, sign = np.clip(told[rows, 1], 1e-6, 1 - 1e-6), 1 - 2 * labels.wanted[rows]
    logits = np.log(p / (1 - p))

    def moved(by: float) -> float:
        return float(np.logaddexp(0.0, sign * (logits + by)).mean())

    level = float(minimize_scalar(moved, bounds=(-3.0, 3.0), method="bounded").fun)
    return Result(losses(labels, rows, told[rows]), labels.user[rows], auc, seconds, level)


def wanted(found: Found, hundredth: int, tenth: int, everything: int) -> None:
    """Print how the head's loss stands to that of others, seed by seed."""
    few, many = found["head", hundredth], found["scratch", tenth]
    said(f"head with {hundredth:,} labels beside scratch with {tenth:,}", few, many)
    for name in PEERS:
        said(f"head with all labels beside {name}", found["head", everything], found[name, everything])


def said(what: str, own: list[Result], other: list[Result]) -> None:
    """One comparison: in standard errors over users, above 0 where the head is better."""
    errors = [in_errors(b.losses - a.losses, a.users) for a, b in zip(own, other, strict=True)]
    gain = np.mean([b.loss - a.loss for a, b in zip(own, other, strict=True)])
    verdict = "holds" if min(errors) >= NOISE else "FALLS SHORT"
    print(f"{what}: {gain:+.4f}, {' '.join(f'{e:+.1f}' for e in errors)} standard errors: {verdict}", flush=True)


def plot(drawn: dict[str, Found], path: Path) -> None:
    """Log-loss against the number of labels, a panel a log; bars from the least to the most over the seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(drawn), 4), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(drawn)))
    for axis, (log, found) in zip(axes, drawn.items(), strict=True):
        for name in ("head", *PEERS):
            sizes = sorted(size for learner, size in found if learner == name)
            loss = np.array([[one.loss for one in found[name, size]] for size in sizes])  # (sizes, seeds)
            mean = loss.mean(1)
            axis.errorbar(sizes, mean, [mean - loss.min(1), loss.max(1) - mean], marker="o", capsize=3, label=name)
        axis.set(xscale="log", title=log, xlabel="labels", ylabel="log-loss on later moments")
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
