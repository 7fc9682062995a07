"""A head on an encoder as it is, beside one on a copy that was tuned for the label, by the number of labels.

Part of `finetune.py --tune`. Log-losses on later moments, means over the seeds, each of which draws other labels; the
base is trained once. `as chosen` is what `finetune(..., tune=True)` keeps by users that neither head has learned, with
how often that was the tuned one. Of every seed, by how much the tuned one is better on later moments, in standard
errors over users, with * where it was kept. CPU seconds are those of a frozen head, and what tuning takes beside them;
one that is kept is tuned twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb
import numpy as np

import sqlscore
from sqlscore.database.catalog import catalog, mapped
from sqlscore.finetuning.examples import examples_of
from sqlscore.finetuning.judging import in_errors, losses
from sqlscore.finetuning.labels import read_labels
from sqlscore.finetuning.learning import learn
from sqlscore.finetuning.parts import parts_of
from sqlscore.finetuning.tuning import Base, Tuner
from sqlscore.scoring.manifest import judged_part


def measure_tuned(con: duckdb.DuckDBPyConnection, query: str, sizes: Sequence[int], seeds: int) -> None:
    """Train a base on the mapped events, and print the table."""
    began = time.process_time()
    info = sqlscore.train(con)
    print(f"training the base: {time.process_time() - began:.1f} CPU s", flush=True)
    stored, judged = catalog(con).find(info.label, "events"), catalog(con).judged(info.label, "events")
    source = mapped(con, "events")
    newest = con.execute("SELECT epoch_us(max(event_time)) FROM sqlscore.events").fetchall()[0][0]
    labels = read_labels(con, source, query, None, newest)
    examples = examples_of(con, source, [judged], labels, 1)
    features, plain = examples.features[0], examples.plain[0]
    base = Base(judged_part(stored.data) or stored.data, judged)
    print(
        f"{'labels':>8}{'frozen':>9}{'tuned':>9}{'as chosen':>11}{'kept':>6}{'CPU s':>8}{'tuning':>8}  better by",
        flush=True,
    )
    everything = len(parts_of(labels, 0).learned)
    for size in (*(size for size in sizes if size < everything), everything):
        rows, errors = [], []
        for seed in range(seeds):
            parts = parts_of(labels, seed)
            learned = np.sort(np.random.default_rng(seed).permutation(parts.learned)[:size])
            began = time.process_time()
            frozen = learn(features, labels, learned, seed, plain=plain)
            middle = time.process_time()
            tuner = Tuner(con, source, labels, base, base, "tuned", "label", newest, seed, 1)
            trial = tuner.attempt(features, plain, learned, parts.other_users, frozen)
            spent = middle - began, time.process_time() - middle
            own = losses(labels, parts.later, frozen.head.answers(features)[parts.later])
            told = own
            if trial.head is not None:
                answers = trial.head.learned.head.answers(trial.head.features)
                told = losses(labels, parts.later, answers[parts.later])
            kept = told if trial.is_better else own
            rows.append((own.mean(), told.mean(), kept.mean(), float(trial.is_better), *spent))
            mark = "*" if trial.is_better else ""
            errors.append(f"{in_errors(own - told, labels.user[parts.later]):+.1f}{mark}" if trial.head else "no epoch")
        mean = np.mean(rows, axis=0)
        print(
            f"{size:>8,}{mean[0]:>9.4f}{mean[1]:>9.4f}{mean[2]:>11.4f}{int(mean[3] * seeds + 0.5):>6}{mean[4]:>8.2f}"
            f"{mean[5]:>8.2f}  {', '.join(errors)}",
            flush=True,
        )
