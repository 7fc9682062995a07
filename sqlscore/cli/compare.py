"""The command `compare`: several architectures or models, judged at the same events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import AllowLeak, Database, Json, MappingName, given, listed, open_database
from sqlscore.cli.progress import Bar
from sqlscore.cli.render import narrow, short
from sqlscore.cli.train import Epochs, Horizon, Lookback

if TYPE_CHECKING:
    from sqlscore.verbs.compare import Comparison

_TITLES = {"log_loss": "log loss", "accuracy": "accuracy", "auc": "churn AUC"}

_DROPPABLE = (
    *(
        "events\n/s",
        "para-\nmeters",
        "train\ns",
        "churn\nece",
        "macro\nf1",
        "ece",
        "churn\nauc",
        "accuracy",
        "log\nloss",
    ),
    *("95 %", "seeds", "model"),
)
"""Headers of what a narrow terminal does without, the least important first; never the figure that ranks."""


def compare(
    db: Database,
    architectures: Annotated[
        str | None,
        typer.Option("--architectures", "-a", metavar="A,B", help="Which to train (default: all, gbm included)."),
    ] = None,
    models: Annotated[
        str | None, typer.Option("--models", metavar="NAME@V,..", help="Registered models that take part.")
    ] = None,
    seeds: Annotated[
        int,
        typer.Option("--seeds", min=1, help="Train each with this many seeds; figures are means, with their spread."),
    ] = 1,
    mapping: MappingName = "events",
    horizon: Horizon = None,
    lookback: Lookback = None,
    metric: Annotated[str, typer.Option("--metric", help="Rank by log_loss, accuracy or auc (of churn).")] = "log_loss",
    register: Annotated[bool, typer.Option("--register/--no-register", help="Keep the trained models.")] = True,
    promote_best: Annotated[
        bool, typer.Option("--promote-best", help="Make the best on the validation part champion.")
    ] = False,
    allow_leak: AllowLeak = None,
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
            architectures=None if architectures is None else listed(architectures),
            models=listed(models or ""),
            seeds=seeds,
            mapping=mapping,
            horizon=horizon,
            lookback=lookback,
            metric=metric,
            register=register,
            promote_best=promote_best,
            allow_leak=allow_leak or (),
            seed=seed,
            progress=bar,
            **given(max_epochs=max_epochs),
        )
    if json:
        render.as_json(result)
    else:
        _show_leaderboard(result, db)


def _show_leaderboard(result: Comparison, db: str) -> None:
    column = "churn_auc" if result.metric == "auc" else result.metric
    first, tied = result.rows[0], len(result.ties) > 1
    several = any((row["seeds"] or 1) > 1 for row in result.rows)
    churn = f", churn at {first['n_churn']:,} examples" if first["n_churn"] else ""
    shown = ["accuracy", "log_loss", "macro_f1", "ece", *(["churn_auc", "churn_ece"] if first["n_churn"] else [])]
    table = narrow(
        f"{first['n_test']:,} test events of {first['n_test_users']:,} users{churn}; by {_TITLES[result.metric]}",
        [
            "",
            "",
            "model",
            "95 %",
            *(["seeds"] if several else []),
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
            _range(low, high),
            *([_range(row[f"{column}_seed_min"], row[f"{column}_seed_max"])] if several else []),
            *("" if row[name] is None else f"{row[name]:.3f}" for name in shown),
            *(short(row[name]) for name in ("training_seconds", "parameters", "scoring_events_per_second")),
            style="bold" if row["tie_with_best"] else "dim" if row["kind"] == "baseline" else "",
        )
    ranked = column.replace("_", "\n")
    render.show_fitting(table, [header for header in _DROPPABLE if header != ranked])
    render.say(_in_words(result))
    best = result.best_by_validation
    if best is not None and "@" in best:
        render.say(f"{best} does best on the validation part, which is what should choose")
        if best == result.champion:
            render.say(f"{best} is the champion" + (" now" if result.promoted else ""))
        elif result.champion in (None, *(row["model"] for row in result.rows)):
            render.next_step("sqlscore", "promote", db, best)
        else:  # it is best of those here alone
            chosen = () if result.mapping == "events" else ("--mapping", result.mapping)
            render.next_step("sqlscore", "compare", db, "--models", f"{best},{result.champion}", *chosen)


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None else f"{low:.3f}-{high:.3f}"


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
