"""What is read off a state in a graph: the equations of `models.heads`, `models.time_bins` and `models.back_off`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.models.onnx.arithmetic import array, double, gelu, ints, linear, single, total
from sqlscore.models.onnx.graph import Graph
from sqlscore.models.onnx.summary import Summary, recent_features, standardised_features
from sqlscore.scoring.recency import SURE


def representation(g: Graph, model: Any, state: str, features: str) -> str:
    """(1, D), as `Heads.embed`."""
    heads = model.heads
    return gelu(g, g("Add", linear(g, state, heads.from_hidden), linear(g, features, heads.from_features)))


def probabilities(g: Graph, model: Any, codes: str, u: str, features: str) -> str:
    """(1, V): the network's, mixed with what followed the last actions, int64 (T,)."""
    heads, counts = model.heads, model.counts
    logits = linear(g, u, heads.next_action)
    logits = g("Add", logits, g("MatMul", features, array(heads.next_direct))) if heads.direct else logits
    own = g("Softmax", g("Div", logits, array(heads.temperature)), axis=1)
    weight = counts.network_weight
    if weight >= 1:
        return own
    counted = followed(g, counts.known, list(counts.ends), array(counts.context), array(counts.frozen), codes)
    return g("Add", g("Mul", own, single(weight)), g("Mul", counted, single(1 - weight)))


def followed(
    g: Graph, known: int, ends: list[int], contexts: npt.NDArray[Any], table: npt.NDArray[Any], codes: str
) -> str:
    """What followed the longest context that was seen, as `BackOff` has it.

    Args:
        g: The graph.
        known: How many actions are known, V.
        ends: (n + 1,) of each order's part of the contexts.
        contexts: int64 (C,).
        table: float32 (1 + C, V), the shares after no context and each one.
        codes: int64 (T,) of the actions.

    Returns:
        (1, V).
    """
    order = len(ends) - 1
    padded = g("Concat", np.zeros(order, np.int64), g("Min", codes, np.array(known + 1)), axis=0)
    row, context, place = np.zeros(1, np.int64), np.zeros(1, np.int64), 1
    found: str | npt.NDArray[Any] = row
    before: str | npt.NDArray[Any] = context
    for n in range(order):
        low, high = ends[n], ends[n + 1]
        if low == high:
            break
        before = g("Add", before, g("Mul", g("Gather", padded, ints(-1 - n)), np.array(place)))
        place *= known + 2
        held = g("Equal", contexts[low:high], before)
        at = g("ReduceMax", g("Where", held, np.arange(low + 1, high + 1), np.array(0)), axes=[0])
        found = g("Where", g("Greater", at, np.array(0)), at, found)
    return g("Gather", table, found, axis=0)


def seconds(g: Graph, model: Any, u: str, features: str) -> str:
    """(1,) the median, as `TimeBins.median`."""
    heads, bins = model.heads, model.heads.gaps
    logits = g("Add", linear(g, u, heads.time), linear(g, features, heads.time_direct))
    running = g("Reshape", g("CumSum", g("Softmax", logits, axis=1), np.array(1)), ints(-1))  # (B,)
    level = 1 / (1 + math.exp(float(bins.shift)))
    wanted = g("Mul", g("Gather", running, ints(-1)), single(level))
    at = g("Min", total(g, g.cast(g("Less", running, wanted), np.int64)), np.array(heads.time.out_features - 1))
    edges = array(bins.edges)
    after = g("Add", at, np.array(1))
    below, upto = g("Gather", g("Concat", np.zeros(1, np.float32), running, axis=0), at), g("Gather", running, at)
    part = g("Div", g("Sub", wanted, below), g("Max", g("Sub", upto, below), single(1e-30)))
    part = g("Clip", part, single(0), single(1))
    low, high = g("Gather", edges, at), g("Gather", edges, after)
    log = g.cast(g("Add", low, g("Mul", part, g("Sub", high, low))), np.float64)
    return g("Sub", g("Exp", log), double(1))


def churn(g: Graph, model: Any, lookback: float | None, s: Summary, given: tuple[str, str, str]) -> str:
    """(1,), as `torch_heads.churn_risk`.

    Args:
        g: The graph.
        model: The module.
        lookback: Seconds of silence beyond which a return becomes less likely in proportion to it.
        s: The summary.
        given: The state (1, H), the features as they are (1, P), and the seconds of silence (1,).
    """
    heads, features = model.heads, model.features
    state, raw, silence = given
    since = g("Min", silence, double(lookback or math.inf))
    x = g("Concat", raw, recent_features(g, model, s, since), axis=1)
    x = standardised_features(g, x, features.churn_mean, features.churn_spread)
    inner = gelu(g, g("Add", linear(g, state, heads.churn_hidden), linear(g, x, heads.churn_recent)))
    z = g("Add", linear(g, x, heads.churn_linear), linear(g, inner, heads.churn_out))
    scale, bias = (float(each) for each in heads.platt)
    risk = g("Sigmoid", g("Add", g("Mul", z, single(scale)), single(bias)))
    return beyond_lookback(g, g("Reshape", g.cast(risk, np.float64), ints(1)), since, silence)


def beyond_lookback(g: Graph, risk: str, since: str, silence: str) -> str:
    """The risk float64 (1,) after `since` seconds, of which a longer silence shrinks the chance of return."""
    part = g("Div", since, g("Max", silence, double(1e-9)))
    shrunk = g("Where", g("Greater", silence, double(0)), part, double(1))
    found = g("Sub", double(1), g("Mul", g("Sub", double(1), risk), shrunk))
    return g.cast(g("Clip", found, double(SURE), double(1 - SURE)), np.float32)
