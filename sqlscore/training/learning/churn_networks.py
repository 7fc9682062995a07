"""Small networks side by side in the churn head, one for each fold of users."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.training.learning.churn_inputs import FOLDS, ChurnInputs
from sqlscore.training.learning.optimiser import Flat

_RATE = 0.03  # a tenth of it never left the linear path's surroundings on planted curves
_DECAY = 0.3
_ROUNDS, _PATIENCE = 200, 40
_EVERY = 2  # rounds


class Networks:
    """Networks that correct a linear path: each is an equal block of the head's inner layer, and learns by itself.

    Their mean is one network as wide as the head's, so that a score stays one product. What is left of a layer that
    does not part evenly is 0; one that is too narrow holds no network.

    Args:
        heads: the model's heads, on the CPU.
        seed: of the first weights and of dropout.
    """

    def __init__(self, heads: Any, seed: int) -> None:
        self.heads = heads
        self.units = heads.churn_out.in_features // FOLDS
        self.random = torch.Generator().manual_seed(seed)
        self.parameters = [heads.churn_hidden.weight, *heads.churn_recent.parameters(), heads.churn_out.weight]
        with torch.no_grad():
            for parameter in self.parameters[:-1]:
                wide = parameter.shape[1] if parameter.dim() > 1 else heads.churn_recent.in_features
                parameter.copy_((2 * torch.rand(parameter.shape, generator=self.random) - 1) / wide**0.5)
            self.parameters[-1].zero_()
        self.flat = Flat(self.parameters, _DECAY)

    def each(self, inputs: ChurnInputs, dropped: float = 0.0) -> Tensor:
        """(Q, FOLDS): what each network adds to the logit."""
        heads, used = self.heads, self.units * FOLDS
        hidden = self._dropped(inputs.hidden[:, : heads.hidden], dropped)
        inner = self._dropped(F.gelu(heads.churn_hidden(hidden) + heads.churn_recent(inputs.recent)), dropped)
        added: Tensor = (inner * heads.churn_out.weight)[:, :used].view(len(inner), FOLDS, self.units).sum(2)
        return added

    def step(self, inputs: ChurnInputs, offsets: Tensor) -> None:
        """One step of all networks on all examples that each may learn. offsets: (Q, FOLDS) linear logits."""
        z = offsets + self.each(inputs, float(self.heads.dropout.p))
        losses = F.binary_cross_entropy_with_logits(z, inputs.churned.unsqueeze(1).expand_as(z), reduction="none")
        learns = inputs.learns_by_fold
        (losses * learns / learns.sum(0).clamp(min=1)).sum().backward()  # type: ignore[no-untyped-call]
        self.flat.step(self.flat.gradient(), _RATE)

    def fit(self, inputs: ChurnInputs, offsets: Tensor, rounds: int | None) -> tuple[Tensor, int]:
        """Train for these rounds; None: for those after which each fold's examples are judged best.

        offsets: (Q, FOLDS) logits of each fold's linear path. Returns what the network that did not learn from an
        example's fold adds to its logit, (Q,), and the rounds.
        """
        if rounds is not None:
            for _ in range(rounds):
                self.step(inputs, offsets)
            return self._added(inputs), rounds
        linear = inputs.of_own_fold(offsets)
        least = float(F.binary_cross_entropy_with_logits(linear, inputs.churned))
        best, added_best, kept = 0, torch.zeros(len(inputs)), self._copy()
        for number in range(1, _ROUNDS + 1):
            self.step(inputs, offsets)
            if number % _EVERY:
                continue
            added = self._added(inputs)
            loss = float(F.binary_cross_entropy_with_logits(linear + added, inputs.churned))
            if loss < least:
                least, best, added_best, kept = loss, number, added, self._copy()
            if number - best >= _PATIENCE:
                break
        self._restore(kept)
        return added_best, best

    def average(self, share: float) -> None:
        """Leave the mean of the networks in the heads, a share of it; 0 leaves the linear path alone."""
        with torch.no_grad():
            weight = self.heads.churn_out.weight
            weight.mul_(share / FOLDS)
            weight[:, self.units * FOLDS :] = 0.0

    def _added(self, inputs: ChurnInputs) -> Tensor:
        with torch.no_grad():
            return inputs.of_own_fold(self.each(inputs))

    def _dropped(self, values: Tensor, share: float) -> Tensor:
        if not share:
            return values
        return values * (torch.rand(values.shape, generator=self.random) >= share) / (1 - share)

    def _copy(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]

    def _restore(self, weights: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, weight in zip(self.parameters, weights, strict=True):
                parameter.copy_(weight)
