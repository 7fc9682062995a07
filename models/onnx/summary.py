"""What stands beside an encoder in a graph: the running summaries of one user, and the features that heads read."""

from __future__ import annotations

from typing import Any

import numpy as np

from sqlscore.models.onnx.arithmetic import MOST, array, double, ints, log1p, newest, single, total
from sqlscore.models.onnx.given import User
from sqlscore.models.onnx.graph import Graph, Value


class Summary:
    """What `models.inputs.summary.Summary` holds of a new user, as vectors (n,); the last event is the newest."""

    def __init__(self, g: Graph, model: Any, user: User, gaps: str, numbers: str) -> None:
        summary = model.summary
        last = g("Gather", user.at, ints(-1))  # (1,)
        n = g.cast(user.size, np.float64)
        begins = g("Or", g("Greater", gaps, double(summary.visit_gap)), g("Equal", user.index, np.array(0)))
        visit = g("ReduceMax", g("Where", begins, user.index, np.array(-1)), axes=[0])  # (1,)
        log_gaps, begun = g("Log", g("Add", gaps, double(1))), g.cast(begins, np.float64)
        visits, between = total(g, begun), g("Mul", log_gaps, begun)
        fewer, n_gaps = (g("Max", g("Sub", each, double(1)), double(1)) for each in (visits, n))
        since_first, since_visit = (
            g("Div", g("Sub", last, g("Gather", user.at, at)), double(1e6)) for at in (ints(0), visit)
        )
        self.n, self.visits = n, visits
        self.log_gap = g("Div", total(g, log_gaps), n_gaps)
        self.visit_gap = g("Div", total(g, between), fewer)
        self.visit_gap_sq = g("Div", total(g, g("Mul", between, between)), fewer)
        self.last_visit_gap = g("Gather", log_gaps, visit)
        self.tenure, self.visit_seconds = g("Max", since_first, double(0)), g("Max", since_visit, double(0))
        self.last_gap = g("Gather", log_gaps, ints(-1))
        self.in_visit = g.cast(g("Sub", user.size, visit), np.float64)
        slots = g("Where", g("Greater", user.codes, np.array(summary.counted)), np.array(0), user.codes)
        hits = g("Equal", g("Unsqueeze", slots, ints(1)), np.arange(summary.counted + 1))
        self.counts = total(g, g.cast(hits, np.float64))  # (A + 1,)
        age = g("Unsqueeze", g("Sub", user.at, last), ints(1))
        weights = g("Exp", g("Max", g("Mul", age, array(summary.rates)), double(-80)))  # (T, D)
        visited = total(g, g("Mul", weights, g("Unsqueeze", begun, ints(1))))
        self.decayed = g("Concat", total(g, weights), visited, axis=0)  # (2D,)
        f = summary.numeric
        values = g("Slice", numbers, ints(0), ints(f), ints(1))
        missing = g("Slice", numbers, ints(f), ints(MOST), ints(1))
        present = g("Sub", n, g.cast(total(g, missing), np.float64))  # (F,)
        mean = g("Div", g.cast(total(g, values), np.float64), g("Max", present, double(1)))
        now = g.cast(g("Squeeze", newest(g, values), ints(0)), np.float64)
        self.numbers = g("Concat", mean, g("Div", present, n), now, axis=0)


def raw_features(g: Graph, model: Any, s: Summary) -> str:
    """(1, P), as `Features.raw`."""
    variance = g("Max", g("Sub", s.visit_gap_sq, g("Mul", s.visit_gap, s.visit_gap)), double(0))
    facts: list[Value] = [
        log1p(g, s.n), s.log_gap, log1p(g, s.visits), s.visit_gap, g("Sqrt", g("Add", variance, double(1))),
        s.last_visit_gap, log1p(g, s.tenure), s.last_gap, log1p(g, s.in_visit), log1p(g, s.visit_seconds),
        np.ones(1), g.cast(g("Greater", s.visits, double(1)), np.float64), log1p(g, g("Div", s.n, s.visits)),
    ]  # fmt: skip
    parts: list[Value] = [log1p(g, s.counts), g("Div", s.counts, s.n), *facts, log1p(g, s.decayed), s.numbers]
    return g("Reshape", g("Concat", *parts, axis=0), ints(1, model.features.size))


def recent_features(g: Graph, model: Any, s: Summary, since: str) -> str:
    """(1, n), as `Features.recent`: of the seconds since the last event, (1,)."""
    features = model.features
    log_since, age = log1p(g, since), g("Add", s.tenure, since)
    returns = g("Max", g("Sub", s.visits, double(1)), double(0))
    came_back = g.cast(g("Greater", returns, double(0)), np.float64)
    missed = g("Div", g("Mul", since, returns), g("Max", age, double(1)))
    rates = array(features.rates)
    fade = g("Exp", g("Max", g("Mul", g("Neg", since), np.concatenate([rates, rates])), double(-80)))
    facts = [
        log_since,
        *(g("Mul", came_back, g("Sub", log_since, each)) for each in (s.visit_gap, s.last_visit_gap)),
        log1p(g, age), g("Div", s.tenure, g("Add", age, double(1))), log1p(g, missed),
        g("Sub", log1p(g, s.visits), log1p(g, age)), g("Exp", g("Max", g("Neg", missed), double(-80))),
        g("Log", g("Add", g("Mul", s.decayed, fade), double(1e-3))),
    ]  # fmt: skip
    return g("Reshape", g("Concat", *facts, axis=0), ints(1, features.extra))


def standardised_features(g: Graph, raw: str, mean: Any, spread: Any) -> str:
    """(1, P) -> float32 (1, P)."""
    scaled = g("Mul", g("Sub", g.cast(raw, np.float32), array(mean)), 1 / array(spread))
    return g("Clip", scaled, single(-4), single(4))
