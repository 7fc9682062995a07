"""Scores at moments that their model was trained on, judged by labels."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.observations import Call
from sqlscore.times import iso

RULE = "score-in-training"


def score_in_training(model: Model) -> Iterator[Finding]:
    """Calls beside a label, as of a moment before the end of the model's training."""
    judged = [output for output in model.outputs if output.labels]
    if not judged:
        return
    for call in model.seen.calls:
        moment = call.as_of.moment if call.as_of is not None else None
        until = model.trained.get(_model_of(call), None)
        if until is None or moment is None:
            continue
        if moment.var.kind == "epoch" and moment.high < until:
            at = iso(int(moment.high * 1e6))
            yield finding(
                RULE, "error", call.node,
                f"the model has learned events up to {iso(int(until * 1e6))}, the label after {at} among "
                "them, so the score "
                "flatters: judge scores that refresh kept, or run sqlscore backtest --retrain",
            )  # fmt: skip


def _model_of(call: Call) -> str:
    """The model that a call names; "" for the champion."""
    for one in call.node.expressions:
        if one.args.get("expression") is not None and one.name.casefold() == "model" and one.expression.is_string:
            return str(one.expression.name)
    return ""
