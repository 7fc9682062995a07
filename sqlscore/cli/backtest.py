"""The command `backtest`: one model at several moments of the past."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sqlscore.cli import render
from sqlscore.cli.backtest_head import show_head
from sqlscore.cli.options import AllowLeak, Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import Bar
from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.verbs.backtest import Backtest

_Columns = tuple[tuple[str, str, Callable[[Any], str]], ...]
_COUNT, _SHARE = "{:,}".format, "{:.3f}".format

_NEXT_ACTION: _Columns = (
    ("users", "n_users", _COUNT),
    ("acted since", "n_acted", _COUNT),
    ("accuracy", "accuracy", _SHARE),
    ("top3", "listed_accuracy", _SHARE),
    ("claimed", "mean_probability", _SHARE),
    ("markov", "markov_accuracy", _SHARE),
    ("repeat", "repeat_accuracy", _SHARE),
    ("majority", "majority_accuracy", _SHARE),
)
_CHURN: _Columns = (
    ("within", "horizon_seconds", in_words),
    ("labelled", "n_labelled", _COUNT),
    ("censored", "n_censored", _COUNT),
    ("churned", "churn_rate", _SHARE),
    ("mean risk", "mean_churn_risk", _SHARE),
    ("AUC", "auc", _SHARE),
    ("recency", "recency_auc", _SHARE),
    ("frequency", "frequency_auc", _SHARE),
    ("brier", "brier", _SHARE),
)

_DROPPABLE = (
    *("majority", "repeat", "frequency", "brier", "censored", "mean risk", "claimed", "within", "top3", "churned"),
    *("acted since", "labelled", "users"),
)
"""What a narrow terminal does without, the least important first; never moment, accuracy, AUC and their best peer."""


def backtest(
    db: Database,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="SPAN", help="The step (default: 7 days; of a head, its labels' moments)."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="The first moment (default: where the model's training ended)."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="The last moment (default: the newest event).")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which, or a head (default: the champion).")
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option(
            "--retrain", help="Train at each moment on its past, instead of using one model; of a head, its base."
        ),
    ] = False,
    architecture: Annotated[
        str | None,
        typer.Option("--architecture", "-a", help="What to retrain (default: gru; of a head, as its base)."),
    ] = None,
    horizon: Annotated[
        str | None, typer.Option("--horizon", help="How far ahead churn is looked at (default: the model's).")
    ] = None,
    include_seen: Annotated[
        bool, typer.Option("--include-seen", help="Score moments that the model was trained on too, and mark them.")
    ] = False,
    allow_leak: AllowLeak = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Walk through time: score from the past alone, judge by what came after. A head is learned anew at each moment.

    Example: sqlscore backtest shop.duckdb --from 2024-03-01 --every '7 days' --retrain
    """
    from sqlscore import backtest as verb

    with open_database(db, device=device) as con, Bar() as bar:
        result = verb(
            con,
            every=every,
            start=start,
            end=end,
            model=model,
            retrain=retrain,
            architecture=architecture,
            horizon=horizon,
            include_seen=include_seen,
            allow_leak=allow_leak or (),
            mapping=mapping,
            progress=bar,
        )
    if json:
        render.as_json(result)
    elif result.verdict:
        show_head(result)
    else:
        _show(result)


def _show(result: Backtest) -> None:
    """Next action and churn beside their baselines, a row a moment; then a sentence for each."""
    _table(f"next action, by {result.model}", _NEXT_ACTION, result)
    if any(period["horizon_seconds"] for period in result.periods):
        _table(f"churn, by {result.model}", _CHURN, result)
    if any(period["trained_after"] for period in result.periods):
        render.say("* the model had seen later events: no forecast")
    for what, ours, peers in (
        ("Next action: accuracy", "accuracy", ("markov_accuracy", "repeat_accuracy", "majority_accuracy")),
        ("Churn: AUC", "auc", ("recency_auc", "frequency_auc")),
    ):
        judged = [period for period in result.periods if period[ours] is not None]
        if judged:
            above = sum(period[ours] > max(period[peer] for peer in peers) for period in judged)
            render.say(f"{what} is above every baseline's at {above} of {len(judged)} moments.")
    for warning in result.warnings:
        render.say(f"! {warning}", "yellow")


def _table(title: str, columns: _Columns, result: Backtest) -> None:
    table = Table("as of", *(heading for heading, _, _ in columns), title=title)
    days = {str(period["as_of"])[:10] for period in result.periods}
    digits = 10 if len(days) == len(result.periods) else 16  # the time of day only if several moments share a day
    for period in result.periods:
        moment = str(period["as_of"])[:digits] + (" *" if period["trained_after"] else "")
        cells = ("" if period[name] is None else form(period[name]) for _, name, form in columns)
        table.add_row(moment, *cells)
    render.show_fitting(table, _DROPPABLE)
