"""A `gru` as a graph of ONNX that scores one user: from the events' numbers to what the heads say.

The equations are those of `models`, for one sequence of events that all have a time; the tests compare the two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.errors import ModelError
from sqlscore.models.onnx_graph import Graph, Value
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.recency import SURE

OFFERED = ("gru",)
"""Architectures that are written out below."""

_LEAST, _MOST = -(2**63), 2**63 - 1


def to_onnx(model: Any, manifest: Manifest, texts: dict[str, str]) -> bytes:
    """The model in scoring mode as an ONNX file.

    Args:
        model: The module, frozen.
        manifest: What it says of itself.
        texts: What stands beside it as metadata.

    Raises ModelError if its architecture is not offered, if what its counts know is too much to be a table, or if
    the library onnx is not installed.
    """
    if manifest.architecture not in OFFERED:
        raise ModelError(
            f"a {manifest.architecture} is not written as ONNX, {' and '.join(OFFERED)} alone: train one with "
            "--architecture gru, or export this one as torchscript"
        )
    if model.counts.network_weight < 1 and not len(model.counts.frozen):
        raise ModelError("its counts are too many to stand in an ONNX file as a table: export it as torchscript")
    g = Graph()
    events = _Events(g, model, manifest)
    summary = _Summary(g, model, events)
    raw = _raw_features(g, model, summary)
    features = _standardised(g, raw, model.features.mean, model.features.spread)
    u = _gelu(g, _add(g, _linear(g, events.state, model.heads.from_hidden),
                      _linear(g, features, model.heads.from_features)))  # fmt: skip
    actions = len(manifest.inputs.actions)
    g.output("probabilities", _probabilities(g, model, events, u, features), np.float32, [1, actions])
    g.output("representation", u, np.float32, [1, manifest.embedding_size])
    if "time_to_next" in manifest.heads:
        g.output("seconds", _seconds(g, model, u, features), np.float64, [1])
    if "churn" in manifest.heads:
        risk = _churn(g, model, manifest, events, summary, raw)
        g.output("churn_risk", risk, np.float32, [1])
    return g.to_bytes(manifest.architecture, texts)


class _Events:
    """The inputs, and what the encoder makes of them."""

    def __init__(self, g: Graph, model: Any, manifest: Manifest) -> None:
        embedding, inputs = model.embedding, manifest.inputs
        categories = g.input("categories", np.int64, ["events", 1 + len(inputs.categorical)])
        numbers = g.input("numbers", np.float32, ["events", len(inputs.numeric)])
        times = g.input("times", np.int64, ["events"])
        values = g.input("novel_values", np.int64, ["grams"])
        offsets = g.input("novel_offsets", np.int64, ["novel_and_one"])
        self.at = g.cast(times, np.float64)
        before = g("Slice", self.at, _ints(0), _ints(-1), _ints(0))
        since = g("Div", g("Sub", g("Slice", self.at, _ints(1), _ints(_MOST), _ints(0)), before), _double(1e6))
        self.gaps = g("Concat", np.zeros(1), g("Max", since, _double(0)), axis=0)  # (T,) seconds, 0 for the first
        self.codes = g("Gather", categories, np.array(0), axis=1)  # (T,)
        self.size = g("Shape", self.codes)  # (1,)
        self.index = g("Range", np.array(0), g("Squeeze", self.size), np.array(1))
        self.standardised = self._numbers(g, embedding, numbers)  # (T, 2F)
        rows = self._rows(g, embedding, categories, times)
        table = g("Concat", _array(embedding.frozen), self._novel(g, embedding, values, offsets), axis=0)
        x = g("ReduceSum", g("Gather", table, rows), _ints(1), keepdims=0)  # (T, E)
        x = g("Add", x, g("MatMul", self.standardised, _array(embedding.numeric))) if inputs.numeric else x
        self.state = self._encoded(g, model.encoder.gru, x)  # (1, H)

    def _numbers(self, g: Graph, embedding: Any, numbers: str) -> str:
        """As `EventEmbedding.standardise`."""
        missing = g("Or", g("IsNaN", numbers), g("IsInf", numbers))
        size = g("Log", g("Add", g("Div", g("Abs", numbers), _array(embedding.scale)), _float(1)))
        values = g(
            "Div", g("Sub", g("Mul", g("Sign", numbers), size), _array(embedding.mean)), _array(embedding.spread)
        )
        values = g("Where", missing, _float(0), g("Clip", values, _float(-8), _float(8)))
        return g("Concat", values, g.cast(missing, np.float32), axis=1)

    def _rows(self, g: Graph, embedding: Any, categories: str, times: str) -> str:
        """(T, K), as `EventEmbedding.rows_of`."""
        known = embedding.known
        octaves = g(
            "Mul", g("Log", g("Clip", self.gaps, _double(2.0**-10), _double(2.0**44))), _double(2 / math.log(2))
        )
        octaves = g.cast(g("Floor", g("Add", octaves, _double(1e-9))), np.int64)
        is_first = g("Equal", self.index, np.array(0))
        gap = g("Add", g("Where", is_first, np.array(1), g("Add", octaves, np.array(22))), np.array(known + 1))
        hour = np.array(3_600_000_000)
        hours = g("Div", g("Sub", times, g("Mod", times, hour)), hour)
        hours = g("Mod", g("Add", hours, np.array(72)), np.array(168))
        hours = g("Add", hours, np.array(known + 1 + embedding.gap.num_embeddings))
        is_novel = g("Greater", self.codes, np.array(known))
        action = g("Where", is_novel, g("Add", self.codes, np.array(embedding.rows - known - 1)), self.codes)
        others = g("Slice", categories, _ints(1), _ints(_MOST), _ints(1))
        others = g("Add", others, _array(embedding.category_starts))
        return g("Concat", *(g("Unsqueeze", each, _ints(1)) for each in (gap, hours, action)), others, axis=1)

    def _novel(self, g: Graph, embedding: Any, values: str, offsets: str) -> str:
        """(U, E): the mean vectors of the n-grams of actions that the model has never seen."""
        weight = _array(embedding.ngram.weight)
        running = g("CumSum", g.cast(g("Gather", weight, values), np.float64), np.array(0))
        running = g("Concat", np.zeros((1, weight.shape[1])), running, axis=0)
        ends = g("Slice", offsets, _ints(1), _ints(_MOST), _ints(0))
        starts = g("Slice", offsets, _ints(0), _ints(-1), _ints(0))
        sums = g("Sub", g("Gather", running, ends), g("Gather", running, starts))
        sizes = g("Unsqueeze", g.cast(g("Sub", ends, starts), np.float64), _ints(1))
        return g.cast(g("Div", sums, g("Max", sizes, _double(1))), np.float32)

    def _encoded(self, g: Graph, unit: Any, x: str) -> str:
        """ONNX has the gates in the order z, r, h, and applies r before the product unless it is told otherwise."""

        def gates(name: str) -> npt.NDArray[Any]:
            r, z, n = np.split(_array(getattr(unit, name)), 3)
            return np.concatenate([z, r, n])[None]

        bias = np.concatenate([gates("bias_ih_l0"), gates("bias_hh_l0")], axis=1)
        weights = gates("weight_ih_l0"), gates("weight_hh_l0"), bias
        size = unit.hidden_size
        last = g.last_of("GRU", 2, g("Unsqueeze", x, _ints(1)), *weights, hidden_size=size, linear_before_reset=1)
        return g("Reshape", last, _ints(1, size))


class _Summary:
    """What `Summary` holds of a new user, as columns (1, n); the last event is the newest."""

    def __init__(self, g: Graph, model: Any, events: _Events) -> None:
        summary = model.summary
        last = g("Gather", events.at, _ints(-1))  # (1,)
        n = g.cast(events.size, np.float64)
        begins = g("Or", g("Greater", events.gaps, _double(summary.visit_gap)), g("Equal", events.index, np.array(0)))
        visit = g("ReduceMax", g("Where", begins, events.index, np.array(-1)), axes=[0])  # (1,)
        log_gaps, begun = g("Log", g("Add", events.gaps, _double(1))), g.cast(begins, np.float64)
        visits, between = _sum(g, begun), g("Mul", log_gaps, begun)
        fewer, n_gaps = (g("Max", g("Sub", each, _double(1)), _double(1)) for each in (visits, n))
        since_first, since_visit = (
            g("Div", g("Sub", last, g("Gather", events.at, at)), _double(1e6)) for at in (_ints(0), visit)
        )
        self.n, self.visits = n, visits
        self.log_gap = g("Div", _sum(g, log_gaps), n_gaps)
        self.visit_gap = g("Div", _sum(g, between), fewer)
        self.visit_gap_sq = g("Div", _sum(g, g("Mul", between, between)), fewer)
        self.last_visit_gap = g("Gather", log_gaps, visit)
        self.tenure, self.visit_seconds = g("Max", since_first, _double(0)), g("Max", since_visit, _double(0))
        self.last_gap = g("Gather", log_gaps, _ints(-1))
        self.in_visit = g.cast(g("Sub", events.size, visit), np.float64)
        slots = g("Where", g("Greater", events.codes, np.array(summary.counted)), np.array(0), events.codes)
        hits = g("Equal", g("Unsqueeze", slots, _ints(1)), np.arange(summary.counted + 1))
        self.counts = _sum(g, g.cast(hits, np.float64))  # (A + 1,)
        age = g("Unsqueeze", g("Sub", events.at, last), _ints(1))
        weights = g("Exp", g("Max", g("Mul", age, _array(summary.rates)), _double(-80)))  # (T, D)
        visited = _sum(g, g("Mul", weights, g("Unsqueeze", begun, _ints(1))))
        self.decayed = g("Concat", _sum(g, weights), visited, axis=0)  # (2D,)
        f = summary.numeric
        values = g("Slice", events.standardised, _ints(0), _ints(f), _ints(1))
        missing = g("Slice", events.standardised, _ints(f), _ints(_MOST), _ints(1))
        present = g("Sub", n, g.cast(_sum(g, missing), np.float64))  # (F,)
        mean = g("Div", g.cast(_sum(g, values), np.float64), g("Max", present, _double(1)))
        newest = g.cast(g("Squeeze", g("Slice", values, _ints(-1), _ints(_MOST), _ints(0)), _ints(0)), np.float64)
        self.numbers = g("Concat", mean, g("Div", present, n), newest, axis=0)


def _raw_features(g: Graph, model: Any, s: _Summary) -> str:
    """(1, P), as `Features.raw`."""
    variance = g("Max", g("Sub", s.visit_gap_sq, g("Mul", s.visit_gap, s.visit_gap)), _double(0))
    facts: list[Value] = [
        _log1p(g, s.n), s.log_gap, _log1p(g, s.visits), s.visit_gap, g("Sqrt", g("Add", variance, _double(1))),
        s.last_visit_gap, _log1p(g, s.tenure), s.last_gap, _log1p(g, s.in_visit), _log1p(g, s.visit_seconds),
        np.ones(1), g.cast(g("Greater", s.visits, _double(1)), np.float64), _log1p(g, g("Div", s.n, s.visits)),
    ]  # fmt: skip
    parts: list[Value] = [_log1p(g, s.counts), g("Div", s.counts, s.n), *facts, _log1p(g, s.decayed), s.numbers]
    return g("Reshape", g("Concat", *parts, axis=0), _ints(1, model.features.size))


def _probabilities(g: Graph, model: Any, events: _Events, u: str, features: str) -> str:
    """(1, V): the network's, mixed with what followed the last actions."""
    heads, counts = model.heads, model.counts
    logits = _linear(g, u, heads.next_action)
    logits = _add(g, logits, g("MatMul", features, _array(heads.next_direct))) if heads.direct else logits
    own = g("Softmax", g("Div", logits, _array(heads.temperature)), axis=1)
    if counts.network_weight >= 1:
        return own
    known = counts.known + 1
    padded = g("Concat", np.zeros(counts.order, np.int64), g("Min", events.codes, np.array(known)), axis=0)
    row, context, place = np.zeros(1, np.int64), np.zeros(1, np.int64), 1
    found: str | npt.NDArray[Any] = row
    before: str | npt.NDArray[Any] = context
    for n in range(counts.order):
        low, high = counts.ends[n], counts.ends[n + 1]
        if low == high:
            break
        before = g("Add", before, g("Mul", g("Gather", padded, _ints(-1 - n)), np.array(place)))
        place *= counts.known + 2
        held = g("Equal", _array(counts.context[low:high]), before)
        at = g("ReduceMax", g("Where", held, np.arange(low + 1, high + 1), np.array(0)), axes=[0])
        found = g("Where", g("Greater", at, np.array(0)), at, found)
    counted = g("Gather", _array(counts.frozen), found, axis=0)
    weight = counts.network_weight
    return _add(g, g("Mul", own, _float(weight)), g("Mul", counted, _float(1 - weight)))


def _seconds(g: Graph, model: Any, u: str, features: str) -> str:
    """(1,) the median, as `TimeBins.median`."""
    heads, bins = model.heads, model.heads.gaps
    logits = _add(g, _linear(g, u, heads.time), _linear(g, features, heads.time_direct))
    running = g("Reshape", g("CumSum", g("Softmax", logits, axis=1), np.array(1)), _ints(-1))  # (B,)
    level = 1 / (1 + math.exp(float(bins.shift)))
    wanted = g("Mul", g("Gather", running, _ints(-1)), _float(level))
    at = g("Min", _sum(g, g.cast(g("Less", running, wanted), np.int64)), np.array(heads.time.out_features - 1))
    edges = _array(bins.edges)
    after = g("Add", at, np.array(1))
    below, upto = g("Gather", g("Concat", np.zeros(1, np.float32), running, axis=0), at), g("Gather", running, at)
    part = g("Div", g("Sub", wanted, below), g("Max", g("Sub", upto, below), _float(1e-30)))
    part = g("Clip", part, _float(0), _float(1))
    low, high = g("Gather", edges, at), g("Gather", edges, after)
    log = g.cast(g("Add", low, g("Mul", part, g("Sub", high, low))), np.float64)
    return g("Sub", g("Exp", log), _double(1))


def _churn(g: Graph, model: Any, manifest: Manifest, events: _Events, s: _Summary, raw: str) -> str:
    """(1,), as `torch_heads.churn_risk` of the moment `as_of`."""
    heads, features = model.heads, model.features
    as_of = g.cast(g.input("as_of", np.int64, [1]), np.float64)
    silence = g("Max", g("Div", g("Sub", as_of, g("Gather", events.at, _ints(-1))), _double(1e6)), _double(0))
    since = g("Min", silence, _double(manifest.lookback_seconds or math.inf))
    log_since, age = _log1p(g, since), g("Add", s.tenure, since)
    returns = g("Max", g("Sub", s.visits, _double(1)), _double(0))
    came_back = g.cast(g("Greater", returns, _double(0)), np.float64)
    missed = g("Div", g("Mul", since, returns), g("Max", age, _double(1)))
    rates = _array(features.rates)
    fade = g("Exp", g("Max", g("Mul", g("Neg", since), np.concatenate([rates, rates])), _double(-80)))
    facts = [
        log_since,
        *(g("Mul", came_back, g("Sub", log_since, each)) for each in (s.visit_gap, s.last_visit_gap)),
        _log1p(g, age), g("Div", s.tenure, g("Add", age, _double(1))), _log1p(g, missed),
        g("Sub", _log1p(g, s.visits), _log1p(g, age)), g("Exp", g("Max", g("Neg", missed), _double(-80))),
        g("Log", g("Add", g("Mul", s.decayed, fade), _double(1e-3))),
    ]  # fmt: skip
    recent = g("Reshape", g("Concat", *facts, axis=0), _ints(1, features.extra))
    x = _standardised(g, g("Concat", raw, recent, axis=1), features.churn_mean, features.churn_spread)
    inner = _gelu(g, _add(g, _linear(g, events.state, heads.churn_hidden), _linear(g, x, heads.churn_recent)))
    z = _add(g, _linear(g, x, heads.churn_linear), _linear(g, inner, heads.churn_out))
    scale, bias = (float(each) for each in heads.platt)
    risk = g("Sigmoid", g("Add", g("Mul", z, _float(scale)), _float(bias)))
    shrunk = g(
        "Where", g("Greater", silence, _double(0)), g("Div", since, g("Max", silence, _double(1e-9))), _double(1)
    )
    risk = g("Reshape", g.cast(risk, np.float64), _ints(1))
    found = g("Sub", _double(1), g("Mul", g("Sub", _double(1), risk), shrunk))
    return g.cast(g("Clip", found, _double(SURE), _double(1 - SURE)), np.float32)


def _standardised(g: Graph, raw: str, mean: Any, spread: Any) -> str:
    scaled = g("Mul", g("Sub", g.cast(raw, np.float32), _array(mean)), 1 / _array(spread))
    return g("Clip", scaled, _float(-4), _float(4))


def _linear(g: Graph, x: str, layer: Any) -> str:
    product = g("MatMul", x, _array(layer.weight).T)
    return product if layer.bias is None else g("Add", product, _array(layer.bias))


def _gelu(g: Graph, x: str) -> str:
    """The exact one: x (1 + erf(x / sqrt 2)) / 2."""
    erf = g("Erf", g("Mul", x, _float(math.sqrt(0.5))))
    return g("Mul", g("Mul", x, g("Add", erf, _float(1))), _float(0.5))


def _add(g: Graph, a: str, b: str) -> str:
    return g("Add", a, b)


def _sum(g: Graph, x: str) -> str:
    """Over the first axis; a vector becomes one number, (1,)."""
    total = g("ReduceSum", x, _ints(0), keepdims=0)
    return g("Reshape", total, _ints(-1))


def _log1p(g: Graph, x: str) -> str:
    return g("Log", g("Add", x, _double(1)))


def _array(tensor: Any) -> npt.NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy())


def _ints(*values: int) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def _float(value: float) -> npt.NDArray[np.float32]:
    return np.array(value, np.float32)


def _double(value: float) -> npt.NDArray[np.float64]:
    return np.array(value, np.float64)
