"""The churn head, and the head that gives every cheap score at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from sqlscore.artifact import Artifact, without_times
from sqlscore.errors import EventsError
from sqlscore.moments import iso
from sqlscore.udfs.arguments import Column, Ints, moments, text
from sqlscore.udfs.catalog import Catalog
from sqlscore.udfs.next_action import ranked_actions
from sqlscore.udfs.states import by_model, scatter, times_array
from sqlscore.udfs.types import SCORE_ARROW
from sqlscore.user_states import States

_TOP = 3


def churn(catalog: Catalog, state: Column, as_of: Column, high_water: Column, mapping: Column) -> pa.Array:
    """(state, as_of, high_water, mapping) -> FLOAT in [0, 1]."""
    pieces = []
    times: Ints | None = None
    for rows, artifact, states in by_model(state, catalog):
        artifact.require("churn")
        refuse_plain(states)
        if times is None:
            times = moments(as_of, high_water, catalog.mapping(text(mapping, "mapping") or ""))
        risk = churn_probability(artifact, states, times[rows.to_numpy()])
        pieces.append((rows, pa.array(risk)))
    return scatter(pieces, len(state), pa.float32())


def score(catalog: Catalog, state: Column, as_of: Column, high_water: Column, mapping: Column) -> pa.Array:
    """(state, as_of, high_water, mapping) -> SCORE_ARROW; heads that a model lacks, or that need times, are NULL."""
    pieces = []
    for rows, artifact, states in by_model(state, catalog):
        timed = not bool(without_times(states.clock).any())
        times = None
        if timed:
            times = moments(as_of, high_water, catalog.mapping(text(mapping, "mapping") or ""))[rows.to_numpy()]
        pieces.append((rows, score_states(artifact, states, times)))
    return scatter(pieces, len(state), SCORE_ARROW)


def score_states(artifact: Artifact, states: States, as_of: Ints | None) -> pa.StructArray:
    """(N,) states -> SCORE_ARROW at `as_of` (µs, (N,)); None: the events have no times."""
    size = len(states)
    last = states.clock[:, 1].numpy()
    heads = artifact.manifest.heads
    artifact.require("next_action")
    seconds, risk = pa.nulls(size, pa.float64()), pa.nulls(size, pa.float32())
    if as_of is not None:
        refuse_future(last, as_of)
    if as_of is not None and "time_to_next" in heads and "churn" in heads:
        at = torch.from_numpy(np.ascontiguousarray(as_of))
        probabilities, when, gone = artifact.scores(states.hidden, states.clock, at)
        seconds, risk = pa.array(when.numpy()), pa.array(gone.numpy())
    else:
        probabilities = artifact.probabilities(states.hidden)
        if as_of is not None and "time_to_next" in heads:
            seconds = pa.array(artifact.seconds(states.hidden).numpy())
        if as_of is not None and "churn" in heads:
            risk = pa.array(churn_probability(artifact, states, as_of))
    likely = ranked_actions(artifact, probabilities, _TOP)
    best = likely.flatten().take(likely.offsets[:-1])
    unknown = (states.n_unknown / np.maximum(states.n_events, 1)).astype(np.float32)
    columns = [
        pa.repeat(artifact.name, size),
        pa.nulls(size, pa.timestamp("us")) if as_of is None else times_array(as_of),
        pa.array(states.n_events),
        pa.array(unknown),
        times_array(last),
        best.field("action"),
        best.field("probability"),
        likely,
        seconds,
        risk,
    ]
    return pa.StructArray.from_arrays(columns, fields=list(SCORE_ARROW))


def churn_probability(artifact: Artifact, states: States, as_of: Ints) -> npt.NDArray[np.float32]:
    """(N,) probabilities. Raises EventsError where a state has seen events later than `as_of`."""
    refuse_future(states.clock[:, 1].numpy(), as_of)
    risk = artifact.churn(states.hidden, states.clock, torch.from_numpy(np.ascontiguousarray(as_of)))
    return np.asarray(risk.numpy(), np.float32)


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
