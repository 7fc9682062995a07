"""A copy of a base's encoder that goes on learning, for a label: by the label's loss as of its moments.

A head was learned on what the encoder says as it is, and both go on from there: a head of random weights would distort
the encoder before it knew what to ask of it (Kumar, Raghunathan, Jones, Ma and Liang 2022, Fine-tuning can distort
pretrained features and underperform out-of-distribution, ICLR, arXiv 2202.10054). What the head reads beside the
encoder's columns, counts and times, stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sqlscore.arrays import Ints
from sqlscore.errors import TrainingError
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.frozen import thaw
from sqlscore.models.stored import module_of, to_weights
from sqlscore.scoring.manifest import FORMAT, WEIGHTS, members_of, read_manifest
from sqlscore.scoring.weights import read_weights
from sqlscore.training.fit import seeded
from sqlscore.training.learning.label_net import LabelNet, Told
from sqlscore.training.learning.optimiser import Optimiser
from sqlscore.training.options import TrainingOptions

RATE = 3e-4
"""The learning rate; a training's is 4e-3 at its highest."""
EPOCHS = 8
PATIENCE = 2
_LABELS = 256  # a step
_WARM_UP = 20  # steps


@dataclass(frozen=True)
class Tuned:
    """What came of it.

    Attributes:
        weights: of the best epoch, as an artifact has them; those that were there if none was better.
        losses: on the labels that chose, before the first epoch and after each.
    """

    weights: bytes
    losses: tuple[float, ...]

    @property
    def best(self) -> int:
        """The epoch that is best on them; 0: the encoder as it was."""
        return int(np.argmin(self.losses))


def require_tunable(data: bytes, name: str) -> None:
    """Raise TrainingError if an artifact has no encoder that could go on learning."""
    manifest = read_manifest(data)
    family = ARCHITECTURES.get(manifest.architecture)
    if family is None or family.counted:
        raise TrainingError(
            f"{name} ({manifest.architecture}) counts, and has no encoder that could be tuned: name a base that was "
            "trained (--base), or leave out tune"
        )
    if manifest.format < FORMAT:
        raise TrainingError(f"{name} is of format {manifest.format}, which cannot be tuned: train again")


def tune(data: bytes, told: Told, learned: Ints, chosen_by: Ints, seed: int, epochs: int | None = None) -> Tuned:
    """Train a copy of the encoder in an artifact on labels.

    Args:
        data: The artifact.
        told: N labels, and what a head that was learned on this encoder says of them.
        learned: Which of the labels are learned from.
        chosen_by: Which of them choose the epoch; their users are others.
        seed: Of batches.
        epochs: How many, as was chosen before; None lets `chosen_by` choose, and ends early.
    """
    options = TrainingOptions(seed=seed)
    with seeded(options):
        manifest = read_manifest(data)
        model = thaw(module_of(read_weights(members_of(data)[WEIGHTS]), manifest))
        _without_dropout(model)
        temperature = model.heads.temperature.clone()
        model.heads.temperature.fill_(1.0)
        net = LabelNet(model, told)
        optimiser = Optimiser(net, 0.0, RATE, lambda step: min(1.0, (step + 1) / _WARM_UP))
        random = np.random.default_rng([seed, 13])
        found = [net.judged(chosen_by)]
        kept = copy.deepcopy(model.state_dict())
        while len(found) <= (EPOCHS if epochs is None else epochs):
            with _averaged(optimiser, _epoch(net, optimiser, learned, random)):
                found.append(net.judged(chosen_by))
                if epochs is not None or found[-1] < min(found[:-1]):
                    kept = copy.deepcopy(model.state_dict())
            if epochs is None and len(found) - 1 - int(np.argmin(found)) >= PATIENCE:
                break
        model.load_state_dict(kept)
        model.heads.temperature.copy_(temperature)
        return Tuned(to_weights(model.eval()), tuple(found))


def _epoch(net: LabelNet, optimiser: Optimiser, learned: Ints, random: np.random.Generator) -> list[Tensor]:
    """Learn all labels once. Returns the mean of the parameters over the steps, group by group."""
    net.train()
    batches = _batches(net.told, learned, random)
    sums = [torch.zeros_like(group.flat) for group in optimiser.groups]
    for rows in batches:
        optimiser.step(net.loss(rows, random))
        for total, group in zip(sums, optimiser.groups, strict=True):
            total += group.flat
    return [total / len(batches) for total in sums]


@contextmanager
def _averaged(optimiser: Optimiser, means: list[Tensor]) -> Iterator[None]:
    """Meanwhile the parameters are these means (Polyak and Juditsky 1992), which settle where steps still swing."""
    held = [group.flat.clone() for group in optimiser.groups]
    for group, mean in zip(optimiser.groups, means, strict=True):
        group.flat.copy_(mean)
    yield
    for group, last in zip(optimiser.groups, held, strict=True):
        group.flat.copy_(last)


def _without_dropout(model: Any) -> None:
    """The head that tuning starts from was learned without, and would first have to learn that columns may be gone."""
    model.embedding.id_dropout = 0.0
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def _batches(told: Told, learned: Ints, random: np.random.Generator) -> list[Ints]:
    """Labels in groups of about `_LABELS`, all of a user in one, in another order each time."""
    place = random.permutation(int(told.sequence.max()) + 1)[told.sequence[learned]]
    ordered = learned[np.argsort(place, kind="stable")]
    firsts = np.flatnonzero(np.diff(told.sequence[ordered], prepend=-1))
    cuts = firsts[np.diff(firsts // _LABELS, prepend=0) > 0]
    return [group for group in np.split(ordered, cuts) if len(group)]
