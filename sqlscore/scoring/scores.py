"""States -> scores: the cheap heads and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.columns import column_of, repeated
from sqlscore.errors import EventsError
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import action_probabilities, all_heads, churn_risk, seconds_to_next_event
from sqlscore.scoring.horizons import require_horizon, risk_within
from sqlscore.scoring.ranking import action_names, decided, ranked_actions
from sqlscore.scoring.sql_types import SCORE_ARROW
from sqlscore.scoring.states import States, without_times
from sqlscore.scoring.states_in_arrow import times_array
from sqlscore.times import iso

_TOP = 3


def score_states(artifact: Artifact, states: States, as_of: Ints | None) -> pa.StructArray:
    """All cheap scores; those of heads that the model lacks are NULL.

    Args:
        artifact: the model.
        states: N states.
        as_of: int64 (N,), µs: the moment of each score; None if the events have no times.

    Returns:
        (N,) SCORE_ARROW.

    Raises:
        EventsError: if a state has seen events later than `as_of`.
        ModelError: if the model does not predict actions.
    """
    size = len(states)
    last = states.clock[:, 1]
    heads = artifact.manifest.heads
    artifact.require("next_action")
    seconds, risk = pa.nulls(size, pa.float64()), pa.nulls(size, pa.float32())
    if as_of is not None:
        refuse_future(last, as_of)
    if as_of is not None and "time_to_next" in heads and "churn" in heads:
        probabilities, when, gone = all_heads(artifact, states.hidden, states.clock, as_of)
        seconds, risk = column_of(when), column_of(gone)
    else:
        probabilities = action_probabilities(artifact, states.hidden)
        if as_of is not None and "time_to_next" in heads:
            seconds = column_of(seconds_to_next_event(artifact, states.hidden))
        if as_of is not None and "churn" in heads:
            risk = column_of(churn_probability(artifact, states, as_of))
    likely = ranked_actions(artifact, probabilities, _TOP)
    chosen = decided(artifact, probabilities)
    unknown = (states.n_unknown / np.maximum(states.n_events, 1)).astype(np.float32)
    columns = [
        repeated(artifact.name, size),
        pa.nulls(size, pa.timestamp("us")) if as_of is None else times_array(as_of),
        column_of(states.n_events),
        column_of(unknown),
        times_array(last),
        action_names(artifact).take(column_of(chosen)),
        column_of(probabilities[np.arange(size), chosen]),
        likely,
        seconds,
        risk,
    ]
    return pa.StructArray.from_arrays(columns, fields=list(SCORE_ARROW))


def churn_probability(
    artifact: Artifact, states: States, as_of: Ints, horizon: float | None = None
) -> npt.NDArray[np.float32]:
    """(N,) probabilities, within so many seconds of `as_of`; None: within the model's horizon.

    Raises EventsError if a state has seen events later than `as_of`, ModelError if the model was not trained for such a
    horizon.
    """
    refuse_future(states.clock[:, 1], as_of)
    risk = churn_risk(artifact, states.hidden, states.clock, as_of)
    manifest = artifact.manifest
    if horizon is None or manifest.horizon_seconds is None:
        return risk
    require_horizon(artifact.name, manifest.horizons, manifest.horizon_seconds, horizon)
    silence = np.minimum((as_of - states.clock[:, 1]) / US_PER_SECOND, manifest.lookback_seconds or math.inf)
    return risk_within(risk, silence, manifest.horizons, manifest.horizon_seconds, horizon)


def refuse_plain(states: States) -> None:
    """Silence cannot be told from events without times."""
    if bool(without_times(states.clock).any()):
        raise EventsError(
            "a plain list of actions has no times, so there is no churn risk: pass structs that hold the event time"
        )


def refuse_future(last: Ints, as_of: Ints) -> None:
    """A score at `as_of` must not have seen anything later."""
    late = last > as_of
    if late.any():
        at = int(np.flatnonzero(late)[0])
        raise EventsError(
            f"an event at {iso(last[at])} is later than as_of {iso(as_of[at])}: a score may not see the future; "
            "filter the events (WHERE event_time <= the as_of), or pass a later as_of"
        )
