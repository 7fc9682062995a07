"""Commands that weigh models against each other: compare, search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from sqlscore.cli import render
from sqlscore.cli.models import Horizon, Lookback, ModelName
from sqlscore.cli.options import Database, Json, MappingName, open_database
from sqlscore.cli.progress import Bar

if TYPE_CHECKING:
    from sqlscore.comparison import Comparison
    from sqlscore.searching import SearchResult

_TITLES = {"log_loss": "log loss", "accuracy": "accuracy", "auc": "churn AUC"}
Epochs = Annotated[
    int | None, typer.Option("--max-epochs", min=1, help="Passes over the training part, at most (default: 30).")
]


def compare(
    db: Database,
    architectures: Annotated[
        str | None,
        typer.Option("--architectures", "-a", metavar="A,B", help="Which to train (default: all, gbm included)."),
    ] = None,
    models: Annotated[
        str | None, typer.Option("--models", metavar="NAME@V,..", help="Registered models that take part.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Train each so often; figures are means.")] = 1,
    mapping: MappingName = "events",
    horizon: Horizon = None,
    lookback: Lookback = None,
    metric: Annotated[
        str, typer.Option("--metric", help="What ranks: log_loss, accuracy or auc (of churn).")
    ] = "log_loss",
    register: Annotated[bool, typer.Option("--register/--no-register", help="Keep the trained models.")] = True,
    promote_best: Annotated[
        bool, typer.Option("--promote-best", help="Make the best on the validation part champion.")
    ] = False,
    max_epochs: Epochs = None,
    seed: Annotated[int, typer.Option("--seed", help="The first seed.")] = 0,
    json: Json = False,
) -> None:
    """Train several architectures, or take models, and judge all at the same test events: one leaderboard.

    Example: sqlscore compare shop.duckdb --architectures gru,mingru,gbm
    """
    from sqlscore import compare as verb

    with open_database(db) as con, Bar() as bar:
        result = verb(
            con,
            architectures=None if architectures is None else _listed(architectures),
            models=_listed(models or ""),
            seeds=seeds,
            mapping=mapping,
            horizon=horizon,
            lookback=lookback,
            metric=metric,
            register=register,
            promote_best=promote_best,
            seed=seed,
            progress=bar,
            **_given(max_epochs=max_epochs),
        )
    if json:
        render.as_json(result)
    else:
        _show_leaderboard(result, db)


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
        str | None, typer.Option("--timeout", metavar="SPAN", help="Begin no trial later than this, e.g. '2 hours'.")
    ] = None,
    mapping: MappingName = "events",
    horizon: Horizon = None,
    lookback: Lookback = None,
    name: ModelName = None,
    promote_best: Annotated[bool, typer.Option("--promote-best", help="Make the winner champion.")] = False,
    max_epochs: Epochs = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data try the same options.")] = 0,
    json: Json = False,
) -> None:
    """Look for good options by the validation part; the same command goes on where a killed one was.

    Example: sqlscore search shop.duckdb --architectures gru,mingru --trials 20
    """
    from sqlscore import search as verb

    with open_database(db) as con, Bar() as bar:
        result = verb(
            con,
            architectures=_listed(architectures),
            trials=trials,
            metric=metric,
            study=study,
            timeout=timeout,
            mapping=mapping,
            horizon=horizon,
            lookback=lookback,
            name=name,
            promote_best=promote_best,
            seed=seed,
            progress=bar,
            **_given(max_epochs=max_epochs),
        )
    if json:
        render.as_json(result)
    else:
        _show_search(result, db)


def _listed(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _given(**options: Any) -> dict[str, Any]:
    """The options that were not left out."""
    return {name: value for name, value in options.items() if value is not None}


def _show_leaderboard(result: Comparison, db: str) -> None:
    column = "churn_auc" if result.metric == "auc" else result.metric
    first, tied = result.rows[0], len(result.ties) > 1
    churn = f", churn at {first['n_churn']:,} examples" if first["n_churn"] else ""
    shown = ["accuracy", "log_loss", "macro_f1", "ece", *(["churn_auc", "churn_ece"] if first["n_churn"] else [])]
    table = _narrow(
        f"{first['n_test']:,} test events of {first['n_test_users']:,} users{churn}; by {_TITLES[result.metric]}",
        [
            "",
            "",
            "model",
            "95 %",
            *(name.replace("_", "\n") for name in shown),
            "train\ns",
            "para-\nmeters",
            "events\n/s",
        ],
        left=3,
    )
    for row in result.rows:
        low, high = row[f"{column}_low"], row[f"{column}_high"]
        table.add_row(
            "" if row["rank"] is None else f"{row['rank']}{'=' if row['tie_with_best'] and tied else ''}",
            row["contender"],
            "" if row["model"] in (None, row["contender"]) else row["model"],
            "" if low is None else f"{low:.3f}-{high:.3f}",
            *("" if row[name] is None else f"{row[name]:.3f}" for name in shown),
            *(_short(row[name]) for name in ("training_seconds", "parameters", "scoring_events_per_second")),
            style="bold" if row["tie_with_best"] else "dim" if row["kind"] == "baseline" else "",
        )
    render.console().print(table)
    render.say(_in_words(result))
    best = result.best_by_validation
    if best is not None and "@" in best:
        render.say(f"{best} does best on the validation part, which is what should choose")
        if best == result.champion:
            render.say(f"{best} is the champion" + (" now" if result.promoted else ""))
        elif result.champion in (None, *(row["model"] for row in result.rows)):
            render.next_step("sqlscore", "promote", db, best)
        else:  # it is best of those here alone
            render.next_step("sqlscore", "compare", db, "--models", f"{best},{result.champion}")


def _in_words(result: Comparison) -> str:
    best, *ties = result.ties
    figure = _TITLES[result.metric]
    if not ties:
        return f"{best} has the best {figure}, by more than chance explains."
    many = "is" if len(ties) == 1 else "are"
    return (
        f"{best} has the best {figure}; {', '.join(ties)} {many} within chance of it: the 95 % interval of the "
        "difference on the same users holds 0."
    )


def _show_search(result: SearchResult, db: str) -> None:
    names = _varied(result.trials)
    table = _narrow(
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
            _short(trial["seconds"]),
            *(_option(trial["options"].get(name)) for name in names),
            style="bold" if trial["state"] == "complete" and trial["value"] == result.value else "",
        )
    render.console().print(table)
    render.model(result.model)
    render.evaluation(result.model.metrics)
    if not result.model.is_champion:
        render.next_step("sqlscore", "promote", db, result.model.label)


def _narrow(title: str, columns: Sequence[str], left: int) -> Table:
    """A table for many columns, the first `left` of which hold text."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    return table


def _short(value: float | None) -> str:
    """A number whose first digits are enough: 97,431 -> "97k"."""
    if value is None:
        return ""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}" if value >= 1 else f"{value:.1f}"


def _option(value: Any) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _varied(trials: Sequence[dict[str, Any]]) -> list[str]:
    """The options in which the trials differ."""
    names = dict.fromkeys(name for trial in trials for name in trial["options"])
    return [name for name in names if len({trial["options"].get(name) for trial in trials}) > 1]
