"""Forward passes of a model over batches of the training log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from sqlscore.training.learning.facts import facts_of
from sqlscore.training.learning.reading import Reading, read


@dataclass(frozen=True)
class Outputs:
    """The heads' raw outputs at the targets; z is the churn logit before calibration."""

    logits: Tensor  # (P, V) of the network alone
    time_logits: Tensor  # (P, B) of the bins of the time to the next event
    time_bin: Tensor  # int64 (P,) in which it came; of no meaning without a time
    z: Tensor  # (Q,)
    recent: Tensor  # (P, n) codes of the last actions, which the counts read


def run(model: Any, reading: Reading) -> Outputs:
    """One causal pass of a `SequenceModel`, read at the targets."""
    targets, features = reading.targets, reading.features
    if reading.churn is None:
        at, z = model.hidden_at(reading.batch, targets.position, reading.rows), features.new_zeros(0)
    else:
        hidden = model.hidden_at(reading.batch, torch.cat([targets.position, targets.churn_position]), reading.rows)
        at = hidden[: len(targets.position)]
        z = model.heads.churn_logit(hidden[len(targets.position) :], reading.churn)
    u = model.heads.embed(at, features)
    return Outputs(
        model.heads.next_logits(u, features),
        model.heads.time_logits(u, features),
        model.heads.gaps.bin_of(targets.log_gap),
        z,
        reading.recent,
    )


def states_at(model: Any, batch: Batch, targets: Targets, known: Tensor | None) -> tuple[Tensor, Tensor]:
    """-> (P, S) at the targets and (Q, S) at the churn examples; some models read each of these prefixes anew."""
    position = torch.cat([targets.position, targets.churn_position])
    states = torch.cat([model.hidden_at(batch, position, None), facts_of(model, batch, targets, known, churn=True)], 1)
    return states[: len(targets.position)], states[len(targets.position) :]


def readings_of(
    model: Any, data: Encoded, windows: Windows, batches: list[Ints], *, share: float, churn: bool
) -> Iterator[Reading]:
    """Batch by batch, on the model's device.

    Args:
        model: what reads.
        data: the log in its codes.
        windows: of the log.
        batches: which windows go together.
        share: of the targets, always the same ones.
        churn: read the churn examples too, if there are any.
    """
    device, random = device_of(model), np.random.default_rng(0)
    for chosen in batches:
        batch, targets = cut(data, windows, chosen)
        targets = targets.sampled(random, share)
        churned = churn and windows.churn is not None
        yield read(model, batch.to(device), targets.to(device), churn=churned, known=data.facts)


def outputs_over(
    model: Any, data: Encoded, windows: Windows, batches: list[Ints], share: float = 1.0
) -> Iterator[tuple[Outputs, Targets]]:
    """Scoring mode, batch by batch, on the model's device; a share of the targets, always the same ones."""
    model.eval()
    return outputs_of(model, readings_of(model, data, windows, batches, share=share, churn=True))


def outputs_of(model: Any, readings: Iterable[Reading]) -> Iterator[tuple[Outputs, Targets]]:
    """What the model makes of each reading in scoring mode."""
    model.eval()
    with torch.inference_mode():
        for reading in readings:
            yield run(model, reading), reading.targets


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
