"""The command `finetune`: a head for a label that SQL expresses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import working

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlscore.database.registry import ModelInfo

_PARTS = {"later": "later moments", "other_users": "other users"}


def finetune(
    db: Database,
    name: Annotated[str, typer.Option("--name", help="What propensity(e, NAME) calls it.")],
    labels: Annotated[
        str, typer.Option("--labels", metavar="SQL", help="SELECT user_id, as_of, label [, known_at]; or a .sql file.")
    ],
    base: Annotated[
        str | None, typer.Option("--base", metavar="NAME@V", help="Whose encoder to use (default: the champion's).")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="yes_no, classes, count or amount (default: by the label's type).")
    ] = None,
    allow_leak: Annotated[
        list[str] | None, typer.Option("--allow-leak", metavar="RULE", help="Let a rule of the linter pass; repeat it.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same head.")] = 0,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Learn a label of your own on a trained model, in seconds.

    Example: sqlscore finetune shop.duckdb --name returns_30d --labels "SELECT user_id, as_of, label FROM returns"
    """
    from sqlscore import finetune as verb

    text = Path(labels).read_text(encoding="utf-8") if labels.casefold().endswith(".sql") else labels
    with open_database(db, device=device) as con, working("fine-tuning"):
        info = verb(
            con,
            text,
            name=name,
            base=base,
            task=cast("Any", task),  # the verb says what there is
            allow_leak=allow_leak or (),
            mapping=mapping,
            seed=seed,
        )
    if json:
        render.as_json(info)
        return
    show_head(info)
    render.next_step(
        "sqlscore", "sql", db, f"SELECT user_id, propensity(e, '{name}') AS p FROM events e GROUP BY user_id LIMIT 5"
    )


def show_head(info: ModelInfo) -> None:
    """A head that was just learned."""
    notes = info.notes
    render.say(
        f"{info.label}: {notes['n_labels']:,} labels of {notes['n_users']:,} users at {notes['moments']:,} moments"
    )
    show_figures(info.metrics)
    if "no_known_at" in notes:
        render.warn(str(notes["no_known_at"]))


def show_figures(metrics: Mapping[str, Any]) -> None:
    """What a head and its baselines reach on labels that were not learned, then the verdict."""
    for part, found in metrics["label"].items():
        peers = [("this head", found), *found["baselines"].items()]
        shown = [
            column
            for column in (
                "loss",
                "auc",
                "accuracy",
                "brier",
                "calibration_error",
                "mean_absolute_error",
                "auc_of_more",
            )
            if any(figures.get(column) is not None for _, figures in peers)
        ]
        title = f"on {_PARTS[part]}: {found['n']:,} labels of {found['users']:,} users"
        table = Table("", *(column.replace("_", " ") for column in shown), title=title, title_justify="left")
        for peer, figures in peers:
            table.add_row(peer.replace("_", " "), *(render.number(figures.get(column)) for column in shown))
        render.show_fitting(table, ("brier", "calibration error"))
    for sentence in metrics["verdict"]:
        render.say(sentence)
