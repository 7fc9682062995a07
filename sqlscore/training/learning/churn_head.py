"""The churn head's last step, on frozen states: a convex fit, then a network only where validation confirms it.

Churn examples are few beside events, and the loop's step size and stopping suit the other heads. On three real logs
a linear path fitted to its optimum had 0.01-0.07 less validation log-loss than one left as the loop left it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.passes import device_of, states_at

_STRENGTHS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)  # inverse L2 penalties
_MAX_EXAMPLES = 50_000
_ROUNDS, _PATIENCE = 200, 20
_WORTH = 0.005  # a smaller gain in log-loss is not worth a network, as the best of many rounds is flattered


def finish_churn(model: Any, data: Encoded, train: Windows, validation: Windows, seed: int) -> dict[str, float]:
    """Fit the churn head in place.

    Returns the validation log-losses of the linear path and of the whole head, and what was chosen by them: the
    strength (an inverse penalty) and the network's rounds, 0 without it.
    """
    learned = _inputs(model, data, train, seed)
    judged = _inputs(model, data, validation, seed)
    with _on_cpu(model) as heads:
        linear = _fit_linear(learned, judged)
        _set_linear(heads, linear)
        alone = _losses(heads, judged)
        whole, rounds = _fit_network(heads, learned, judged, alone)
    chosen = {"strength": float(linear.C), "rounds": float(rounds)}
    return {"linear": float(alone.mean()), "chosen": float(whole.mean()), **chosen}


def refit_churn(model: Any, data: Encoded, part: Windows, seed: int, chosen: dict[str, float]) -> None:
    """Fit it again, in place, on these examples, with the strength and the rounds that validation chose."""
    learned = _inputs(model, data, part, seed)
    with _on_cpu(model) as heads:
        _set_linear(heads, _logistic(chosen["strength"], learned))
        network = _Network(heads)
        for _ in range(int(chosen["rounds"])):
            network.step(learned)
        heads.eval()


@contextmanager
def _on_cpu(model: Any) -> Iterator[Any]:
    """The heads, while the model is where scikit-learn and small matrices are."""
    home = device_of(model)
    model.cpu()
    try:
        yield model.heads
    finally:
        model.to(home)


_Inputs = tuple[Tensor, Tensor, Tensor]  # hidden (Q, H), features with recency (Q, P + X), churned (Q,)


def _inputs(model: Any, data: Encoded, part: Windows, seed: int) -> _Inputs:
    """The churn head's inputs at a sample of the examples of a part, on the CPU."""
    part = part.with_examples(_MAX_EXAMPLES, seed)
    found: list[_Inputs] = []
    model.eval()
    device = device_of(model)
    with torch.no_grad():
        for chosen in ordered_batches(part.lengths, 8_192):
            batch, targets = cut(data, part, chosen)
            batch, targets = batch.to(device), targets.without_actions().to(device)
            _, at = states_at(model, batch, targets)
            recent = model.features.with_recency(at[:, model.size :], targets.elapsed)
            found.append((at[:, : model.size].cpu(), recent.cpu(), targets.churned.cpu()))
    hidden, recent, churned = (torch.cat(parts) for parts in zip(*found, strict=True))
    return hidden, recent, churned


def _fit_linear(learned: _Inputs, judged: _Inputs) -> LogisticRegression:
    """Logistic regression with the L2 penalty that does best on validation.

    The strongest penalty within a standard error of it cost 0.002-0.036 log-loss on a later date of 19 splits of three
    logs, and held the probabilities too near to the base rate, which moves.
    """
    models = [_logistic(strength, learned) for strength in _STRENGTHS]
    features, churned = judged[1].double().numpy(), judged[2].double()
    found = [
        float(F.binary_cross_entropy_with_logits(torch.from_numpy(model.decision_function(features)), churned))
        for model in models
    ]
    return models[int(np.argmin(found))]


def _logistic(strength: float, learned: _Inputs) -> LogisticRegression:
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near the optimum is near enough here
        return model.fit(learned[1].double().numpy(), learned[2].numpy())


def _set_linear(heads: Any, linear: LogisticRegression) -> None:
    """The linear path alone."""
    with torch.no_grad():
        heads.churn_linear.weight.copy_(torch.from_numpy(linear.coef_))
        heads.churn_linear.bias.copy_(torch.from_numpy(linear.intercept_))
        heads.churn_out.weight.zero_()


def _worse(losses: Tensor, best: Tensor) -> bool:
    """More than a standard error above the best, example by example."""
    difference = (losses - best).double()
    return float(difference.mean()) > float(difference.std()) / float(np.sqrt(len(difference)))


class _Network:
    """The small network of the head and its optimiser."""

    def __init__(self, heads: Any) -> None:
        self.heads = heads
        self.parts = (heads.churn_hidden, heads.churn_recent, heads.churn_out)
        self.start = self.weights()
        parameters = [parameter for part in self.parts for parameter in part.parameters()]
        self.optimiser = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.3, fused=True)

    def weights(self) -> list[dict[str, Tensor]]:
        return [copy.deepcopy(part.state_dict()) for part in self.parts]

    def restore(self, weights: list[dict[str, Tensor]]) -> None:
        for part, state in zip(self.parts, weights, strict=True):
            part.load_state_dict(state)

    def step(self, learned: _Inputs) -> None:
        self.heads.train()
        self.optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(self.heads.churn_logit(*learned[:2]), learned[2])
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()


def _fit_network(heads: Any, learned: _Inputs, judged: _Inputs, alone: Tensor) -> tuple[Tensor, int]:
    """Let the small network correct the linear path, and undo that where validation does not clearly gain by it.

    alone (Q,): the linear path's losses on validation. Returns those of the head that is kept, and its rounds.
    """
    network = _Network(heads)
    least, kept, best = alone, network.start, 0
    for number in range(1, _ROUNDS + 1):
        network.step(learned)
        losses = _losses(heads, judged)
        if losses.mean() < least.mean():
            least, kept, best = losses, network.weights(), number
        if number - best >= _PATIENCE:
            break
    gains = _worse(alone, least) and float((alone - least).mean()) > _WORTH
    network.restore(kept if gains else network.start)
    heads.eval()
    return (least, best) if gains else (alone, 0)


def _losses(heads: Any, judged: _Inputs) -> Tensor:
    """(Q,) of each example."""
    heads.eval()
    with torch.no_grad():
        return F.binary_cross_entropy_with_logits(heads.churn_logit(*judged[:2]), judged[2], reduction="none")
