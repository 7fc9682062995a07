"""Scores at moments that their model was trained on, judged by labels."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting import words
from sqlscore.linting.findings import Finding, Severity, finding
from sqlscore.linting.model import Model
from sqlscore.linting.observations import Call
from sqlscore.linting.ranges import known_range
from sqlscore.linting.relations import Relation
from sqlscore.times import iso

RULE = "score-in-training"
# they name what was learned first
_OF_LABELS = ("propensity", "expected_value", "value_quantiles", "uplift", "explain_label")


def score_in_training(model: Model) -> Iterator[Finding]:
    """Calls beside a label, as of a moment before the end of the model's training."""
    if not (any(output.labels for output in model.outputs) or any(_meet(model))):
        return
    for call in model.seen.calls:
        moment = call.as_of.moment if call.as_of is not None else None
        until = model.trained.get(_model_of(call), None)
        if until is None or moment is None:
            continue
        first, last = known_range(model.catalog, call.facts, moment)
        learned = f"the model has learned events up to {_said(until)}"
        if first is not None and last is not None and first > last:
            continue  # no row is scored
        if last is not None and last < until:
            severity: Severity = "error"
            at = _said(last) if first == last else f"moments up to {_said(last)}"
            what = f"{learned}, and the score as of {at} has so seen what came after: it flatters"
        elif first is not None and first < until and moment.var.roots().kind == "row":
            severity = "warning"
            what = f"{learned}, and moments from {_said(first)} on are scored: the scores before its end flatter"
        else:
            continue
        yield finding(
            RULE, severity, call.node, f"{what}: judge scores that refresh kept, or run sqlscore backtest --retrain"
        )


def _said(seconds: float) -> str:
    return iso(int(seconds * 1e6))


def _meet(model: Model) -> Iterator[bool]:
    """Whether scores and labels are joined, although the result shows neither."""
    for join in model.seen.joins:
        left = tuple(join.left)
        yield any(map(_scores, left)) and _labels(join.right)
        yield _scores(join.right) and any(map(_labels, left))


def _scores(relation: Relation) -> bool:
    return any("score" in value.tags for value in relation.columns.values())


def _labels(relation: Relation) -> bool:
    return any("label" in value.tags or words.is_sure_label(name) for name, value in relation.columns.items())


def _model_of(call: Call) -> str:
    """The model that a call names; "" for the champion."""
    if call.name.removeprefix("list_") in _OF_LABELS and len(call.node.expressions) > 1:
        label = call.node.expressions[1]
        label = label.expression if label.args.get("expression") is not None else label
        return str(label.name) if label.is_string else ""
    for one in call.node.expressions:
        if one.args.get("expression") is not None and one.name.casefold() == "model" and one.expression.is_string:
            return str(one.expression.name)
    return ""
