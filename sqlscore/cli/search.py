"""The command `search`: try settings and keep the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sqlscore.cli import render
from sqlscore.cli.evaluation_shown import show_evaluation, show_model
from sqlscore.cli.options import AllowLeak, Database, Json, MappingName, given, listed, open_database
from sqlscore.cli.progress import Bar
from sqlscore.cli.render import narrow, short
from sqlscore.cli.train import Epochs, Horizon, Lookback, ModelName

if TYPE_CHECKING:
    from sqlscore.verbs.search import SearchResult


def search(
    db: Database,
    architectures: Annotated[
        str, typer.Option("--architectures", "-a", metavar="A,B", help="Which to search among.")
    ] = "gru",
    trials: Annotated[int, typer.Option("--trials", min=1, help="How many in all, earlier calls included.")] = 20,
    metric: Annotated[str, typer.Option("--metric", help="log_loss, accuracy, f1, or auc (of churn).")] = "log_loss",
    study: Annotated[
        Path | None, typer.Option("--study", metavar="FILE", help="Keeps the trials (default: DB.search.db).")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="SPAN", help="Begin no trial after this time, e.g. '2 hours'.")
    ] = None,
    mapping: MappingName = "events",
    horizon: Horizon = None,
    lookback: Lookback = None,
    name: ModelName = None,
    promote_best: Annotated[bool, typer.Option("--promote-best", help="Make the winner champion.")] = False,
    allow_leak: AllowLeak = None,
    max_epochs: Epochs = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data try the same options.")] = 0,
    json: Json = False,
) -> None:
    """Look for good options by the validation part; the same command continues a killed one.

    Example: sqlscore search shop.duckdb --architectures gru,mingru --trials 20
    """
    from sqlscore import search as verb

    with open_database(db) as con, Bar() as bar:
        result = verb(
            con,
            architectures=listed(architectures),
            trials=trials,
            metric=metric,
            study=study,
            timeout=timeout,
            mapping=mapping,
            horizon=horizon,
            lookback=lookback,
            name=name,
            promote_best=promote_best,
            allow_leak=allow_leak or (),
            seed=seed,
            progress=bar,
            **given(max_epochs=max_epochs),
        )
    if json:
        render.as_json(result)
    else:
        _show_search(result, db)


def _show_search(result: SearchResult, db: str) -> None:
    names = _varied(result.trials)
    table = narrow(
        "on the validation part",
        ["", "", result.metric.replace("_", "\n"), "epochs", "s", *(name.replace("_", "\n") for name in names)],
        left=2,
    )
    for trial in result.trials:
        table.add_row(
            str(trial["number"]),
            trial["state"],
            "" if trial["value"] is None else f"{trial['value']:.4f}",
            str(trial["epochs"]),
            short(trial["seconds"]),
            *(_option(trial["options"].get(name)) for name in names),
            style="bold" if trial["state"] == "complete" and trial["value"] == result.value else "",
        )
    render.show_fitting(table, [name.replace("_", "\n") for name in reversed(names)])
    show_model(result.model)
    show_evaluation(result.model.metrics)
    if not result.model.is_champion:
        render.next_step("sqlscore", "promote", db, result.model.label)


def _option(value: Any) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _varied(trials: Sequence[dict[str, Any]]) -> list[str]:
    """The options in which the trials differ."""
    names = dict.fromkeys(name for trial in trials for name in trial["options"])
    return [name for name in names if len({trial["options"].get(name) for trial in trials}) > 1]
