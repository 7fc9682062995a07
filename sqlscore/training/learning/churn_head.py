"""The churn head, fitted on frozen states: logistic regression, and small networks where they clearly gain.

Churn examples are few beside events, so one part of the users that chooses, and one seed, are accidents: users are cut
into folds, all that is chosen is chosen by what was said of users who had not been learned from, and the networks of
the folds are averaged. On inner splits of three real logs and a simulated one this had 0.003 to 0.009 more ROC AUC than
penalty and network chosen by 15 % of the users, and the same from seed to seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.churn_calibration import calibration
from sqlscore.training.learning.churn_inputs import FOLDS, ChurnInputs, inputs_of
from sqlscore.training.learning.churn_networks import Networks
from sqlscore.training.learning.logistic import across_folds, fit
from sqlscore.training.learning.passes import device_of

_STRENGTHS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)  # inverse L2 penalties
_SHARES = (0.5, 1.0)  # of the networks' correction
_WORTH = 0.002  # a smaller gain in log-loss is not worth networks, as the best of many rounds is flattered


@dataclass(frozen=True)
class Choice:
    """What the folds chose: the inverse penalty, the networks' rounds, and the share of their correction."""

    strength: float
    rounds: float = 0.0
    share: float = 0.0


def finish_churn(model: Any, data: Encoded, train: Windows, validation: Windows, seed: int) -> dict[str, float]:
    """Fit the churn head, its scales and its calibration in place.

    Returns the log-losses of the linear path and of the whole head on the validation examples, each judged by what did
    not learn from its user, and what was chosen: the strength, and the networks' rounds and share, 0 without them.
    """
    inputs = inputs_of(model, data, train, [validation], seed, scales=True)
    with _on_cpu(model) as heads:
        choice, linear, whole = _fit(heads, inputs, seed, None)
    judged = ~inputs.learns if bool((~inputs.learns).any()) else inputs.learns
    losses = {"linear": _mean_loss(linear, inputs, judged), "chosen": _mean_loss(whole, inputs, judged)}
    return losses | asdict(choice)


def refit_churn(model: Any, data: Encoded, part: Windows, seed: int, chosen: dict[str, float]) -> None:
    """Fit it again, in place, on these examples, with what the folds chose before; its calibration too."""
    inputs = inputs_of(model, data, part, [], seed)
    with _on_cpu(model) as heads:
        _fit(heads, inputs, seed, Choice(chosen["strength"], chosen["rounds"], chosen["share"]))


@contextmanager
def _on_cpu(model: Any) -> Iterator[Any]:
    """The heads, while the model is where small matrices are fast."""
    home = device_of(model)
    model.cpu()
    try:
        yield model.heads
    finally:
        model.to(home)


def _fit(heads: Any, inputs: ChurnInputs, seed: int, choice: Choice | None) -> tuple[Choice, Tensor, Tensor]:
    """Fit the head with a choice, or by the folds' own.

    Returns the choice and, for each example, the logits of the linear path and of the whole head, of the fold that did
    not learn from it, (Q,).
    """
    heads.eval()
    networks = Networks(heads, seed)
    if inputs.one_kind:
        _set_linear(heads, _base_rate(heads, inputs))
        networks.average(0.0)
        heads.platt.copy_(torch.tensor([1.0, 0.0]))
        z = heads.churn_linear.bias.detach().expand(len(inputs))
        return Choice(_STRENGTHS[0]) if choice is None else choice, z, z
    strengths = _STRENGTHS if choice is None else (choice.strength,)
    weights, strength, offsets = _linear(inputs, strengths)
    _set_linear(heads, weights)
    linear = inputs.of_own_fold(offsets)
    if choice is None:
        added, rounds = networks.fit(inputs, offsets, None) if networks.units else (torch.zeros(len(inputs)), 0)
        choice = Choice(strength, float(rounds), _share(linear, added, inputs))
        choice = choice if choice.share else Choice(strength)
    else:
        added, _ = networks.fit(inputs, offsets, int(choice.rounds))
    networks.average(choice.share)
    whole = linear + choice.share * added
    fitted = calibration(whole.cpu(), inputs.churned.cpu(), inputs.date.cpu())
    heads.platt.copy_(torch.from_numpy(fitted))
    return choice, linear, whole


def _linear(inputs: ChurnInputs, strengths: Sequence[float]) -> tuple[Tensor, float, Tensor]:
    """(the weights of all examples, the strength that the folds do best with, (Q, FOLDS) logits of each fold's)."""
    x = torch.cat([inputs.recent, torch.ones(len(inputs), 1)], 1).double()
    y = inputs.churned.double()
    weights: Tensor | None = None
    folds: list[Tensor] | None = None
    found = []
    for strength in strengths:
        weights = fit(x[inputs.learns], y[inputs.learns], strength, weights)
        each = across_folds(x, y, inputs.learns, inputs.fold, strength, folds or [weights] * FOLDS)
        folds = list(each)
        offsets = (x @ each.t()).float()
        found.append((_mean_loss(inputs.of_own_fold(offsets), inputs), weights, strength, offsets))
        if len(found) > 2 and found[-1][0] > found[-2][0] > found[-3][0]:
            break  # a lighter penalty only gets worse
    return min(found, key=lambda one: one[0])[1:]


def _share(linear: Tensor, added: Tensor, inputs: ChurnInputs) -> float:
    """The share of the networks that does best, 0 if its gain is below a standard error or not worth anything."""
    losses = {share: _losses(linear + share * added, inputs) for share in (0.0, *_SHARES)}
    best = min(_SHARES, key=lambda share: float(losses[share].mean()))
    gain = (losses[0.0] - losses[best]).double()
    of_users = torch.zeros(int(inputs.user.max()) + 1, dtype=torch.float64).index_add(0, inputs.user, gain)
    error = float(of_users.square().sum().sqrt()) / len(gain)  # a user's examples stand and fall together
    return best if float(gain.mean()) > max(error, _WORTH) else 0.0


def _losses(z: Tensor, inputs: ChurnInputs) -> Tensor:
    return F.binary_cross_entropy_with_logits(z, inputs.churned, reduction="none")


def _mean_loss(z: Tensor, inputs: ChurnInputs, chosen: Tensor | None = None) -> float:
    losses = _losses(z, inputs)
    return float((losses if chosen is None else losses[chosen]).mean())


def _base_rate(heads: Any, inputs: ChurnInputs) -> Tensor:
    """(P + X + 1,): no weight, and the share that churned, half an example of the other kind added."""
    learned = inputs.churned[inputs.learns]
    weights = torch.zeros(heads.churn_linear.in_features + 1, dtype=torch.float64)
    weights[-1] = torch.log((learned.sum() + 0.5) / (len(learned) - learned.sum() + 0.5))
    return weights


def _set_linear(heads: Any, weights: Tensor) -> None:
    with torch.no_grad():
        heads.churn_linear.weight.copy_(weights[:-1].unsqueeze(0))
        heads.churn_linear.bias.copy_(weights[-1:])
