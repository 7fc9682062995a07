"""Forward passes of a model over batches of the training log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sqlscore.arrays import Ints
from sqlscore.models.wholes.prefixes import PrefixModel
from sqlscore.scoring.batch import Batch
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.targets import Targets, cut
from sqlscore.training.data.windows import Windows


@dataclass(frozen=True)
class Outputs:
    """The heads' raw outputs at the targets; z is the churn logit before calibration."""

    logits: Tensor  # (P, V) of the network alone
    time_logits: Tensor  # (P, B) of the bins of the time to the next event
    time_bin: Tensor  # int64 (P,) in which it came; of no meaning without a time
    z: Tensor  # (Q,)
    recent: Tensor  # (P, n) codes of the last actions, which the counts read


def run(model: Any, batch: Batch, targets: Targets) -> Outputs:
    """One causal pass of a `SequenceModel`, read at the targets."""
    at, churn = states_at(model, batch, targets)
    hidden, features = at[:, : model.size], model.features(at[:, model.size :])
    u = model.heads.embed(hidden, features)
    recent = model.features.with_recency(churn[:, model.size :], targets.elapsed)
    return Outputs(
        model.heads.next_logits(u, features),
        model.heads.time_logits(u, features),
        model.heads.gaps.bin_of(targets.log_gap),
        model.heads.churn_logit(churn[:, : model.size], recent),
        at[:, model.body :],
    )


def states_at(model: Any, batch: Batch, targets: Targets) -> tuple[Tensor, Tensor]:
    """-> (P, S) at the targets and (Q, S) at the churn examples; some models read each of these prefixes anew."""
    if isinstance(model, PrefixModel):
        at, _ = model.encode_at(batch, targets.position)
        return at, model.encode_at(batch, targets.churn_position)[0]
    states, _ = model.encode_each(batch, None, None)  # (T, S)
    return states[targets.position], states[targets.churn_position]


def outputs_over(
    model: Any, data: Encoded, windows: Windows, batches: list[Ints], share: float = 1.0
) -> Iterator[tuple[Outputs, Targets]]:
    """Scoring mode, batch by batch, on the model's device; a share of the targets, always the same ones."""
    model.eval()
    device, random = device_of(model), np.random.default_rng(0)
    with torch.inference_mode():
        for chosen in batches:
            batch, targets = cut(data, windows, chosen)
            targets = targets.sampled(random, share)
            batch, targets = batch.to(device), targets.to(device)
            yield run(model, batch, targets), targets


def device_of(model: Any) -> torch.device:
    """Where a model's parameters are; the CPU for one without."""
    first: Tensor | None = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def prefix_share(model: Any, windows: Windows, chosen: Ints, events: int) -> float:
    """The share of targets whose prefixes hold about `events` events, if the model reads the prefix of each anew.

    1 for other models, for which one pass over a window serves all its targets.
    """
    if not isinstance(model, PrefixModel):
        return 1.0
    lengths = windows.lengths[chosen]
    inside = np.minimum(lengths, model.window)  # prefixes up to 1, 2, .. and then all of `window` events
    read = inside * (inside + 1) // 2 + (lengths - inside) * model.window
    return min(1.0, events / max(int(read.sum()), 1))
