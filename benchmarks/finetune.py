"""Labels of one's own by how many there are: a head on a trained encoder beside what learns from labels alone.

python benchmarks/finetune.py --data DIR [--seeds 3] [--plot FILE.png]: log-loss and ROC AUC on later moments, means
over the seeds, each of which draws other labels; the base is trained once. `scratch` is the base's network with new
weights, trained on the labels alone; `logistic` and `lightgbm` read counts, sums and recency. At the end, CPU seconds.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import torch
from torch.nn import functional as F

import sqlscore
from sqlscore.arrays import Floats, Ints
from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.scan import scan
from sqlscore.events.sequences import stretches
from sqlscore.finetuning.baselines import boosted, linear
from sqlscore.finetuning.examples import Examples, examples_of, on_log_scale
from sqlscore.finetuning.fit import parts_of
from sqlscore.finetuning.judging import figures
from sqlscore.finetuning.labels import TABLE, Labels, read_labels
from sqlscore.finetuning.learning import learn
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, batch_of, select_events
from sqlscore.scoring.encoding import Columns
from sqlscore.simulation.shop import simulate_shop

SIZES = (100, 1_000, 10_000)
EPOCHS, PATIENCE, BATCH = 12, 3, 256


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of SET/*.parquet")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--users", type=int, default=6_000, help="of the simulated shop")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    drawn: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for log in LOGS:
        with sqlscore.connect() as con:
            if log.name == "simulated shop":
                con.from_arrow(simulate_shop(users=asked.users).events).create("log")
            else:
                file = str(asked.data / log.name / "invoices.parquet")
                con.execute("CREATE TABLE log AS FROM read_parquet(?)", [file])
            drawn[log.name] = measure(con, log, asked.seeds)
    if asked.plot is not None:
        plot(drawn, asked.plot)


def measure(con: duckdb.DuckDBPyConnection, log: Log, seeds: int) -> dict[str, list[tuple[int, float]]]:
    """Print the table of one log; the mean log-losses by what learned, for the plot."""
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
    print(f"{'labels':>8} {'':12}{'log-loss':>10}{'least':>8}{'most':>8}{'AUC':>8}{'CPU s':>8}")
    lines: dict[str, list[tuple[int, float]]] = defaultdict(list)
    everything = len(parts_of(labels, 0).learned)
    for size in [*(size for size in SIZES if size < everything), everything]:
        found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for seed in range(seeds):
            parts = parts_of(labels, seed)
            random = np.random.default_rng(seed)
            learned = np.sort(random.permutation(parts.learned)[:size])
            for name, told, spent in answers(examples, events, labels, learned, seed):
                shown = figures(labels, parts.later, told[parts.later])
                found[name].append((shown["loss"], shown["auc"], spent))
        for name, each in found.items():
            loss, auc, spent = np.mean(each, axis=0)
            least, most = min(one[0] for one in each), max(one[0] for one in each)
            print(f"{size:>8,} {name:12}{loss:>10.4f}{least:>8.4f}{most:>8.4f}{auc:>8.3f}{spent:>8.2f}", flush=True)
            lines[name].append((size, float(loss)))
    each_label = reading / len(labels)
    print(f"training the base: {training:.1f} CPU s; reading and encoding 10,000 labels: {each_label * 1e4:.2f} CPU s")
    return lines


def answers(
    examples: Examples, events: tuple[Artifact, Batch], labels: Labels, learned: Ints, seed: int
) -> Iterator[tuple[str, Floats, float]]:
    """(what learned, (N, 2) probabilities of all labels, CPU seconds)."""
    features, plain, summaries = examples.features[0], examples.plain[0], examples.summaries
    learners: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("head", lambda: learn(features, labels, learned, seed, plain=plain).head.probabilities(features)),
        ("scratch", lambda: scratch(*events, labels, learned, seed)),
        ("logistic", lambda: linear(on_log_scale(summaries), labels, learned, seed)),
        ("lightgbm", lambda: boosted(summaries, labels, learned, seed)),
    )
    for name, learner in learners:
        began = time.process_time()
        told = learner()
        yield name, told, time.process_time() - began


def whole(con: duckdb.DuckDBPyConnection, base: Artifact) -> Batch:
    """The events up to each label's moment, in the base's codes."""
    source = mapped(con, "events")
    names = ", ".join(f'e."{name}"' for name in ("event_time", "event_type", *source.extras))
    query = (
        f"SELECT l.row AS user_id, {names} FROM ({usable_events(con, source)}) e JOIN {TABLE} l "
        "ON l.user_id = e.user_id AND e.event_time <= l.as_of"
    )
    parts: list[Columns] = []
    rows: list[Ints] = []
    for users in scan(con, replace(canonical(source, query), group=None)):
        rows.append(users.ids.to_numpy().astype(np.int64))
        parts.append(base.columns(users.sequences))
    assert (np.diff(np.concatenate(rows)) > 0).all(), "labels are in the order of their rows"
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    nothing = np.zeros(0, np.int64)
    return batch_of(
        Columns(
            np.minimum(np.concatenate([part.categories for part in parts]), len(base.manifest.inputs.actions)),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.times for part in parts]),
            np.append(0, np.cumsum(lengths)),
            nothing,
            np.zeros(1, np.int64),
        )
    )


def scratch(base: Artifact, events: Batch, labels: Labels, learned: Ints, seed: int) -> Floats:
    """The base's network with new weights and its scales, trained on the labels alone, stopped on a fifth of users."""
    torch.manual_seed(seed)
    model: Any = ARCHITECTURES[base.manifest.architecture].build(
        ModelConfig(**base.manifest.config), base.manifest.inputs
    )
    own = dict(model.named_buffers())
    with torch.no_grad():
        for name, value in base.module.named_buffers():
            if name in own and own[name].shape == value.shape:
                own[name].copy_(value)
    out = torch.nn.Linear(base.manifest.embedding_size + 2, 1)
    parameters = [*model.parameters(), *out.parameters()]
    adam = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=1e-2)
    wanted, as_of = torch.from_numpy(labels.wanted).float(), torch.tensor(labels.as_of)
    fold = np.random.default_rng(seed).permutation(int(labels.user.max()) + 1)[labels.user] % 5
    train, judged = learned[fold[learned] > 0], learned[fold[learned] == 0]

    def logits(rows: Ints) -> torch.Tensor:
        offsets = events.offsets.numpy()
        index, cut = stretches(offsets[rows], np.diff(offsets)[rows])
        state, clock = model.encode(select_events(events, torch.from_numpy(index), torch.from_numpy(cut)), None, None)
        since = torch.log1p((as_of[rows] - clock[:, 1]).double() / 1e6).float()
        age = torch.log1p((as_of[rows] - clock[:, 0]).double() / 1e6).float()
        result: torch.Tensor = out(torch.cat([model.embed(state), since[:, None] / 10, age[:, None] / 10], 1))[:, 0]
        return result

    def all_of(rows: Ints) -> torch.Tensor:
        model.eval()
        with torch.no_grad():
            return torch.cat([logits(rows[i : i + 4_096]) for i in range(0, len(rows), 4_096)])

    best, kept, since = float("inf"), [p.detach().clone() for p in parameters], 0
    for epoch in range(EPOCHS):
        model.train()
        order = np.random.default_rng([seed, epoch]).permutation(train)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            adam.zero_grad()
            F.binary_cross_entropy_with_logits(logits(rows), wanted[rows]).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            adam.step()
        loss = float(F.binary_cross_entropy_with_logits(all_of(judged), wanted[judged]))
        if loss < best:
            best, kept, since = loss, [p.detach().clone() for p in parameters], 0
        elif (since := since + 1) >= PATIENCE:
            break
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
    p = torch.sigmoid(all_of(np.arange(len(labels)))).double().numpy()
    return np.stack([1 - p, p], axis=1)


def plot(drawn: dict[str, dict[str, list[tuple[int, float]]]], path: Path) -> None:
    """Log-loss against the number of labels, a panel a log."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(drawn), 4), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(drawn)))
    for axis, (log, lines) in zip(axes, drawn.items(), strict=True):
        for name, points in lines.items():
            axis.plot(*zip(*points, strict=True), marker="o", label=name)
        axis.set(xscale="log", title=log, xlabel="labels", ylabel="log-loss on later moments")
    axes[0].legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
