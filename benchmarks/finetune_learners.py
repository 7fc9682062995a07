"""What learns labels in `finetune.py`: a head, the base's network with new weights, and models of plain summaries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import torch
from torch.nn import functional as F

from sqlscore.arrays import Floats, Ints
from sqlscore.database.catalog import mapped
from sqlscore.database.events_query import canonical, columns_read, usable_events
from sqlscore.database.scan import scan
from sqlscore.events.sequences import stretches
from sqlscore.finetuning.baselines import boosted, last_time, linear
from sqlscore.finetuning.examples import Examples, on_log_scale
from sqlscore.finetuning.label_checks import TABLE
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.learning import learn
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, batch_of, select_events
from sqlscore.scoring.encoding import Columns

EPOCHS, PATIENCE, BATCH = 12, 3, 256


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
        ("last time", lambda: last_time(labels, learned)),
    )
    for name, learner in learners:
        began = time.process_time()
        told = learner()
        yield name, told, time.process_time() - began


def whole(con: duckdb.DuckDBPyConnection, base: Artifact) -> Batch:
    """The events up to each label's moment, in the base's codes."""
    source = mapped(con, "events")
    query = (
        f"SELECT l.row AS user_id, {columns_read(source)} FROM ({usable_events(con, source)}) e JOIN {TABLE} l "
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
    categories = np.concatenate([part.categories for part in parts])
    categories[categories[:, 0] > len(base.manifest.inputs.actions), 0] = 0  # an action that it never saw is none
    return batch_of(
        Columns(
            categories,
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
