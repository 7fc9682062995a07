"""What the heads of a module of torch say of states, and its attention: `head_outputs` is for arrays, and any model.

Everything here takes tensors on the CPU and gives tensors on the CPU, whatever device the model is on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
import torch

from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, tensor_of
from sqlscore.scoring.inference import inference
from sqlscore.scoring.recency import SURE
from sqlscore.scoring.softmax import softmax_of_rows

_ROWS = 4_096
"""States that go through the heads at once: what is made of them stays in a core's cache."""


def of_arrays(head: Callable[..., Any], artifact: Artifact, arrays: Sequence[npt.NDArray[Any]]) -> Any:
    """What a head says of arrays: an array, or a tuple of them."""
    found = head(artifact, *(tensor_of(array) for array in arrays))
    return tuple(part.numpy() for part in found) if isinstance(found, tuple) else found.numpy()


def action_probabilities(artifact: Artifact, hidden: torch.Tensor) -> torch.Tensor:
    """(N, S) -> (N, V) calibrated probabilities of the next action, in the order of `inputs.actions`."""
    with inference():
        logits: torch.Tensor = artifact.module.next_logits(hidden.to(artifact.device))
    return softmax_of_rows(logits).cpu()


def seconds_to_next_event(artifact: Artifact, hidden: torch.Tensor) -> torch.Tensor:
    """(N, S) -> float64 (N,) predicted median of the seconds from the last event to the next."""
    with inference():
        seconds: torch.Tensor = artifact.module.seconds(hidden.to(artifact.device))
    return seconds.double().cpu()


def seconds_at(artifact: Artifact, hidden: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """(N, S), (N, Q) in [0, 1] -> float64 (N, Q) quantiles of the seconds from the last event to the next.

    Raises ModelError if the model knows the median alone.
    """
    artifact.require_distribution()
    with inference():
        seconds: torch.Tensor = artifact.module.seconds_at(hidden.to(artifact.device), levels.to(artifact.device))
    return seconds.double().cpu()


def event_within(artifact: Artifact, hidden: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
    """(N, S), float64 (N,) -> float32 (N,) probability that the next event comes within these seconds of the last.

    Raises ModelError if the model knows the median alone.
    """
    artifact.require_distribution()
    with inference():
        share: torch.Tensor = artifact.module.within(hidden.to(artifact.device), seconds.to(artifact.device))
    return share.float().cpu()


def churn_risk(artifact: Artifact, hidden: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor) -> torch.Tensor:
    """The calibrated probability of no event within the horizon.

    Training saw nobody who had been silent for longer than the lookback. Beyond it the chance of return at the
    lookback shrinks in proportion to the silence, so that the risk goes on rising instead of following the head
    beyond what it has learned.

    Args:
        artifact: the model; it has a churn head.
        hidden: (N, S), the states.
        clock: int64 (N, 2), µs: the first and the last event of each state.
        as_of: int64 (N,), µs: the moment of each risk.

    Returns:
        float32 (N,), from SURE to 1 - SURE.
    """
    silence, elapsed = _silence(artifact, clock, as_of)
    with inference():
        risk: torch.Tensor = artifact.module.churn(hidden.to(artifact.device), elapsed.to(artifact.device))
    return _beyond_lookback(risk.double().cpu(), silence, elapsed)


def churn_summary(artifact: Artifact, hidden: torch.Tensor) -> torch.Tensor:
    """(N, S) -> float32 (N, B): what the churn head needs of a state, whatever the moment."""
    with inference():
        parts = [artifact.module.churn_summary(part.to(artifact.device)).cpu() for part in torch.split(hidden, _ROWS)]
    return torch.cat(parts)


def churn_risk_from_summary(
    artifact: Artifact, summary: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor
) -> torch.Tensor:
    """What `churn_risk` returns for the states of these summaries, at a fraction of its cost.

    Args:
        artifact: the model; it `keeps_churn_summary`.
        summary: (N, B), what `churn_summary` gave.
        clock: int64 (N, 2), µs: the first and the last event of each state.
        as_of: int64 (N,), µs: the moment of each risk.

    Returns:
        float32 (N,), from SURE to 1 - SURE.
    """
    silence, elapsed = _silence(artifact, clock, as_of)
    with inference():
        risk: torch.Tensor = artifact.module.churn_from_summary(
            summary.to(artifact.device), elapsed.to(artifact.device)
        )
    return _beyond_lookback(risk.double().cpu(), silence, elapsed)


def all_heads(
    artifact: Artifact, hidden: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The cheap scores at once; what the heads share is computed once, if the model can.

    Args:
        artifact: the model; it has all three heads.
        hidden: (N, S), the states.
        clock: int64 (N, 2), µs: the first and the last event of each state.
        as_of: int64 (N,), µs: the moment of each risk.

    Returns:
        What `action_probabilities`, `seconds_to_next_event` and `churn_risk` return.
    """
    parts = []
    for start in range(0, len(hidden), _ROWS) or (0,):
        rows = slice(start, start + _ROWS)
        parts.append(_all_heads(artifact, hidden[rows], clock[rows], as_of[rows]))
    probabilities, seconds, risk = (torch.cat(part) for part in zip(*parts, strict=True))
    return probabilities, seconds, risk


def _all_heads(
    artifact: Artifact, hidden: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if "scores" not in artifact.manifest.capabilities:
        return (
            action_probabilities(artifact, hidden),
            seconds_to_next_event(artifact, hidden),
            churn_risk(artifact, hidden, clock, as_of),
        )
    silence, elapsed = _silence(artifact, clock, as_of)
    with inference():
        logits, seconds, risk = artifact.module.scores(hidden.to(artifact.device), elapsed.to(artifact.device))
    return (
        softmax_of_rows(logits).cpu(),
        seconds.double().cpu(),
        _beyond_lookback(risk.double().cpu(), silence, elapsed),
    )


def representations(artifact: Artifact, hidden: torch.Tensor) -> torch.Tensor:
    """(N, S) -> float32 (N, D): the users' representations."""
    with inference():
        vectors: torch.Tensor = artifact.module.embed(hidden.to(artifact.device))
    return vectors.cpu()


def attention_weights(artifact: Artifact, batch: Batch) -> torch.Tensor:
    """T events -> float64 (T,): the weight of each in its sequence's score; those of a sequence sum to 1."""
    with inference():
        weights: torch.Tensor = artifact.module.attention(batch.to(artifact.device))
    return weights.cpu().double()


def _silence(artifact: Artifact, clock: torch.Tensor, as_of: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """float64 (N,) seconds since the last event, and the same with the lookback as its limit."""
    silence = (as_of.double() - clock[:, 1].double()) / US_PER_SECOND
    return silence, silence.clamp(max=artifact.manifest.lookback_seconds or math.inf)


def _beyond_lookback(risk: torch.Tensor, silence: torch.Tensor, elapsed: torch.Tensor) -> torch.Tensor:
    returns = (1 - risk) * (elapsed / silence).nan_to_num(1.0)
    return (1 - returns).clamp(SURE, 1 - SURE).float()
