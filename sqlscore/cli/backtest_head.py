"""What `backtest` shows of a fine-tuned head: a row a moment beside the baselines, then the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlscore.cli import render

if TYPE_CHECKING:
    from sqlscore.verbs.backtest import Backtest

_COLUMNS = (
    ("learned", "n_learned"),
    ("judged", "n_judged"),
    ("loss", "loss"),
    ("mean", "base_rate_loss"),
    ("last time", "last_time_loss"),
    ("regression", "logistic_regression_loss"),
    ("LightGBM", "lightgbm_loss"),
    ("BG/NBD", "bg_nbd_loss"),
    ("AUC", "auc"),
    ("accuracy", "accuracy"),
    ("abs. error", "mean_absolute_error"),
    ("said", "mean_predicted"),
    ("came true", "mean_label"),
)
_DROPPABLE = ("BG/NBD", "last time", "LightGBM", "learned", "abs. error", "regression", "AUC")
"""What a narrow terminal does without, the least important first."""


def show_head(result: Backtest) -> None:
    """The table of moments, with what was left out, and the verdict in words."""
    shown = [
        (heading, name)
        for heading, name in _COLUMNS
        if any(period[name] is not None for period in result.periods)
        and not (name == "mean_label" and result.summary["kind"] == "classes")  # the accuracy
    ]
    base = result.periods[0]["base"]
    title = f"{result.model}, learned again at each moment on {base}"
    table = render.narrow(title, ("as of", *(heading for heading, _ in shown)), 1)
    for period in result.periods:
        moment = _short(period["as_of"]) + (" *" if period["trained_after"] else "")
        table.add_row(moment, *(_cell(period[name]) for _, name in shown))
    render.show_fitting(table, _DROPPABLE)
    if any(period["trained_after"] for period in result.periods):
        render.say("* the model had seen later events: no forecast")
    for sentence in result.verdict:
        render.say(sentence)
    for warning in result.warnings:
        render.warn(warning)


def _short(moment: str) -> str:
    """Without a time of day that is midnight."""
    return moment.removesuffix(" 00:00:00")


def _cell(value: Any) -> str:
    if isinstance(value, float) and abs(value) >= 1_000:
        return f"{value:,.0f}"
    return render.number(value)
