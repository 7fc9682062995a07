"""What the heads of a model say of states: probabilities of actions, seconds, churn risk, representations.

Arrays in and arrays out, whatever computes: tables of counts, or a module of torch by `torch_heads`, which is not
imported before it is needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import EventsError
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.recency import SURE

Singles = npt.NDArray[np.float32]


def action_probabilities(artifact: Artifact, hidden: Singles) -> Singles:
    """(N, S) -> (N, V) calibrated probabilities of the next action, in the order of `inputs.actions`."""
    if artifact.counts is not None:
        return artifact.counts.probabilities(hidden)
    return np.asarray(_by_torch("action_probabilities", artifact, hidden))


def seconds_to_next_event(artifact: Artifact, hidden: Singles) -> Floats:
    """(N, S) -> (N,) predicted median of the seconds from the last event to the next."""
    if artifact.counts is not None:
        return artifact.counts.seconds(hidden)
    return np.asarray(_by_torch("seconds_to_next_event", artifact, hidden))


def seconds_at(artifact: Artifact, hidden: Singles, levels: Floats) -> Floats:
    """(N, S), (N, Q) in [0, 1] -> (N, Q) quantiles of the seconds from the last event to the next.

    Raises ModelError if the model knows the median alone.
    """
    artifact.require_distribution()
    if artifact.counts is not None:
        return artifact.counts.seconds_at(hidden, levels)
    return np.asarray(_by_torch("seconds_at", artifact, hidden, levels))


def event_within(artifact: Artifact, hidden: Singles, seconds: Floats) -> Singles:
    """(N, S), (N,) -> (N,) probability that the next event comes within these seconds of the last.

    Raises ModelError if the model knows the median alone.
    """
    artifact.require_distribution()
    if artifact.counts is not None:
        return artifact.counts.within(hidden, seconds)
    return np.asarray(_by_torch("event_within", artifact, hidden, seconds))


def churn_risk(artifact: Artifact, hidden: Singles, clock: Ints, as_of: Ints) -> Singles:
    """(N, S), (N, 2), µs (N,) -> (N,): see `torch_heads.churn_risk`."""
    if artifact.counts is not None:
        return _risk_by_counts(artifact.counts, artifact.manifest.lookback_seconds, hidden, clock, as_of)
    return np.asarray(_by_torch("churn_risk", artifact, hidden, clock, as_of))


def churn_summary(artifact: Artifact, hidden: Singles) -> Singles:
    """(N, S) -> (N, B): what the churn head needs of a state, whatever the moment."""
    return np.asarray(_by_torch("churn_summary", artifact, hidden))


def churn_risk_from_summary(artifact: Artifact, summary: Singles, clock: Ints, as_of: Ints) -> Singles:
    """(N, B), (N, 2), µs (N,) -> (N,): what `churn_risk` returns for the states of these summaries, for less."""
    return np.asarray(_by_torch("churn_risk_from_summary", artifact, summary, clock, as_of))


def all_heads(artifact: Artifact, hidden: Singles, clock: Ints, as_of: Ints) -> tuple[Singles, Floats, Singles]:
    """What `action_probabilities`, `seconds_to_next_event` and `churn_risk` return; what they share is done once."""
    if artifact.counts is not None:
        return (
            artifact.counts.probabilities(hidden),
            artifact.counts.seconds(hidden),
            churn_risk(artifact, hidden, clock, as_of),
        )
    probabilities, seconds, risk = _by_torch("all_heads", artifact, hidden, clock, as_of)
    return probabilities, seconds, risk


def representations(artifact: Artifact, hidden: Singles) -> Singles:
    """(N, S) -> (N, D): the users' representations."""
    if artifact.counts is not None:
        return artifact.counts.representations(hidden)
    return np.asarray(_by_torch("representations", artifact, hidden))


def _risk_by_counts(counts: Counts, lookback: float | None, hidden: Singles, clock: Ints, as_of: Ints) -> Singles:
    """The same with tables of counts: beyond the lookback the chance of return shrinks in proportion to the silence."""
    silence = (as_of - clock[:, 1]) / US_PER_SECOND
    elapsed = np.minimum(silence, lookback or math.inf)
    risk = counts.churn(hidden, elapsed).astype(np.float64)
    shrunk = np.divide(elapsed, silence, out=np.ones_like(silence), where=silence > 0)
    return np.clip(1 - (1 - risk) * shrunk, SURE, 1 - SURE).astype(np.float32)


def _by_torch(head: str, artifact: Artifact, *arrays: npt.NDArray[Any]) -> Any:
    """A function of `torch_heads`, of arrays. Raises EventsError if an answer is no number, as of edited states."""
    from sqlscore.scoring import torch_heads

    found = torch_heads.of_arrays(getattr(torch_heads, head), artifact, arrays)
    if not all(np.isfinite(part).all() for part in (found if isinstance(found, tuple) else (found,))):
        raise EventsError(f"these states hold numbers that {artifact.name} does not make: encode the events again")
    return found
