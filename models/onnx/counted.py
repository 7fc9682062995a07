"""A model of counts in a graph: the equations of `scoring.counts` and `scoring.recency`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sqlscore.arrays import Floats
from sqlscore.models.onnx.arithmetic import double, ints, newest, single, total
from sqlscore.models.onnx.given import User
from sqlscore.models.onnx.graph import Graph, Result
from sqlscore.models.onnx.heads import beyond_lookback, followed
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.recency import SURE, Recency


def counted_user(g: Graph, counts: Counts, manifest: Manifest, user: User) -> Sequence[Result]:
    """What is known of one user: probabilities, representation, seconds, and churn if it was counted."""
    known = len(manifest.inputs.actions)
    ends = [int(end) for end in counts.ends]
    shares = counts.frozen / counts.frozen.sum(1, keepdims=True)
    probabilities = g("Reshape", followed(g, known, ends, counts.context, shares, user.codes), ints(-1))
    last = g("Min", newest(g, user.codes), np.array(known + 1))  # (1,)
    medians = np.expm1(counts.log_seconds[:, counts.log_seconds.shape[1] // 2].astype(np.float64))
    slots = g("Where", g("Greater", user.codes, np.array(int(counts.counted))), np.array(0), user.codes)
    hits = g("Equal", g("Unsqueeze", slots, ints(1)), np.arange(int(counts.counted) + 1))
    tally = total(g, g.cast(hits, np.float32))
    results = [
        Result(probabilities, np.float32, [known]),
        Result(g("Div", tally, g.cast(user.size, np.float32)), np.float32, [int(counts.counted) + 1]),
    ]
    if "time_to_next" in manifest.heads:
        results.append(Result(g("Squeeze", g("Gather", medians, last)), np.float64, []))
    if user.as_of is not None and counts.recency is not None:
        risk = _churn(g, counts.recency, manifest.lookback_seconds, (user, user.as_of), last)
        results.append(Result(g("Squeeze", risk), np.float32, []))
    return results


def _churn(g: Graph, recency: Recency, lookback: float | None, asked: tuple[User, str], last: str) -> str:
    """(1,): the risk of the user's cell as of a moment, see `Recency`. The span is float32, as states hold it."""
    user, as_of = asked
    now, first = newest(g, user.at), g("Gather", user.at, ints(0))
    silence = g("Div", g("Sub", g.cast(as_of, np.float64), now), double(1e6))
    since = g("Min", silence, double(lookback or math.inf))
    span = g.cast(g("Div", g("Sub", now, first), double(1e6)), np.float32)
    events = g.cast(user.size, np.float32)
    pace = g.cast(g("Div", span, g("Max", g("Sub", events, single(1)), single(1))), np.float64)
    row = g("Add", _below(g, recency.pace, pace), np.array(1))
    row = g("Where", g("Greater", user.size, np.array(1)), row, np.array(0))
    cell = g("Add", g("Mul", row, np.array(recency.risk.shape[1])), _below(g, recency.silence, since))  # (1,)
    risk = g("Gather", np.clip(recency.risk.reshape(-1), SURE, 1 - SURE), cell)
    if len(recency.cell):
        with_action = g("Add", g("Mul", cell, np.array(int(recency.actions))), last)
        held = g("Equal", recency.cell, with_action)
        at = g("ReduceMax", g("Where", held, np.arange(1, len(recency.cell) + 1), np.array(0)), axes=[0])
        of_cell = np.concatenate([np.zeros(1, np.float32), np.clip(recency.risk_of_cell, SURE, 1 - SURE)])
        risk = g("Where", g("Greater", at, np.array(0)), g("Gather", of_cell.astype(np.float32), at), risk)
    return beyond_lookback(g, g.cast(risk, np.float64), since, silence)


def _below(g: Graph, edges: Floats, value: str) -> str:
    """(1,) -> int64 (1,): how many edges are not above it."""
    return total(g, g.cast(g("LessOrEqual", edges, value), np.int64))
