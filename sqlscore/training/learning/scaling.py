"""What a model takes from the training part before the first step: scales, medians, frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sqlscore.models.inputs.action_graph import GraphEmbedding
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.counting import count_following, strongest_edges
from sqlscore.training.learning.facts import with_facts
from sqlscore.training.learning.gap_bins import edges_of, shares_of
from sqlscore.training.learning.passes import prefix_share, states_at

_SAMPLE = 100_000  # events that the scales of the summaries are estimated from

_EDGES = 32  # into each action, in a graph of actions


def fit_scales(model: Any, data: Encoded, train: Windows, seed: int) -> None:
    """Set the buffers of a `SequenceModel` that standardise its features, and start its heads at the base rates."""
    connect(model, data, train)
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(train.starts))
    chosen = np.sort(chosen[np.cumsum(train.lengths[chosen]) - train.lengths[chosen] < _SAMPLE])
    share = prefix_share(model, train, chosen, _SAMPLE)
    raw: list[Tensor] = []
    with torch.no_grad():
        for group in ordered_batches(train.lengths[chosen], 8_192):
            batch, targets = cut(data, train, chosen[group])
            states, _ = states_at(model, batch, targets.sampled(random, share), data.facts)
            raw.append(model.features.raw(states[:, model.size :]))
        features = model.features
        standard(torch.cat(raw), features.mean, features.spread)
        _base_rates(model.heads, data, train, float(model.summary.visit_gap))


def scaled(model: Any, data: Encoded, train: Windows) -> Encoded:
    """Scale what a model reads of numbers, in place; returns the log with the facts that follow from these scales."""
    _numbers(model.embedding, data, train)
    return with_facts(model, data)


def connect(model: Any, data: Encoded, part: Windows) -> None:
    """Set the edges of a model with a graph of actions: what followed what in a part, on the CPU."""
    if isinstance(model.embedding, GraphEmbedding):
        edges = strongest_edges(count_following(data, part, 1), data.known, _EDGES)
        model.embedding.connect(*(torch.from_numpy(part) for part in edges))


def _numbers(embedding: Any, data: Encoded, windows: Windows) -> None:
    """Scale, mean and spread of every numeric column over the events of these windows."""
    if not data.numbers.shape[1]:
        return
    index = np.concatenate([np.arange(s, e) for s, e in zip(windows.starts, windows.ends, strict=True)])
    for column in range(data.numbers.shape[1]):
        values = data.numbers[index, column].astype(np.float64)
        values = values[np.isfinite(values)]
        sizes = np.abs(values[values != 0])
        scale = float(np.median(sizes)) if len(sizes) else 1.0
        bent = np.sign(values) * np.log1p(np.abs(values) / scale)
        embedding.scale[column] = scale
        embedding.mean[column] = float(bent.mean()) if len(bent) else 0.0
        embedding.spread[column] = max(float(bent.std()), 1e-3) if len(bent) else 1.0


def standard(values: Tensor, mean: Tensor, spread: Tensor) -> None:
    """Mean and standard deviation into the buffers; a feature that never varies is left at its mean."""
    if len(values) < 2:
        return
    mean.copy_(values.mean(0))
    found = values.std(0)
    spread.copy_(torch.where(found > 1e-4, found, 1.0))


def _base_rates(heads: Any, data: Encoded, train: Windows, visit_gap: float) -> None:
    targets = data.target[train.wanted]
    counts = np.bincount(targets[targets <= data.known] - 1, minlength=data.known) + 0.5
    heads.next_action.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
    gaps = data.log_gap[train.wanted]
    edges = edges_of(gaps, heads.time.out_features, visit_gap)
    heads.gaps.edges.copy_(torch.from_numpy(edges))
    heads.time.bias.copy_(torch.from_numpy(np.log(shares_of(gaps, edges))))
