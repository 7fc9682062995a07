"""The command `finetune`: a head for a label that SQL expresses, or for what an intervention does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import working
from sqlscore.database.catalog import mapped
from sqlscore.database.macros import source_of
from sqlscore.quoting import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlscore.database.registry import ModelInfo

_PARTS = {"later": "later moments", "other_users": "other users"}


def finetune(
    db: Database,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What propensity(e, NAME) calls it (default: spend, or the intervention)."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="SQL", help="SELECT user_id, as_of, label [, known_at]; or a .sql file."),
    ] = None,
    uplift: Annotated[
        str | None,
        typer.Option("--uplift", metavar="WHICH", help="Instead of labels, an intervention: whom does it help?"),
    ] = None,
    amount: Annotated[
        bool, typer.Option("--amount", help="Instead of labels, what users will spend, by the mapped amount.")
    ] = False,
    horizon: Annotated[
        str | None, typer.Option("--horizon", metavar="SPAN", help="With --amount: as in '90 days' (default: churn's).")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="NAME@V", help="Whose encoder to use (default: the champion's).")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="yes_no, classes, count or amount (default: by the label's type).")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="For users with such events, if that is better.")
    ] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="Train a copy of the encoder on for the label; kept if that is better.")
    ] = False,
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

    text = labels
    if labels is not None and labels.casefold().endswith(".sql"):
        text = Path(labels).read_text(encoding="utf-8")
    with open_database(db, device=device) as con, working("fine-tuning"):
        info = verb(
            con,
            text,
            name=name,
            uplift=uplift,
            amount=amount,
            horizon=horizon,
            base=base,
            task=cast("Any", task),  # the verb says what there is
            where=where,
            tune=tune,
            allow_leak=allow_leak or (),
            mapping=mapping,
            seed=seed,
        )
        source = mapped(con, mapping)
    if json:
        render.as_json(info)
        return
    show_head(info)
    function = "uplift" if uplift is not None else "expected_value" if amount else "propensity"
    call = f"{source.prefix}{function}(e, {literal(info.name)})"
    user, table = source_of(source)
    render.next_step("sqlscore", "sql", db, f"SELECT {user}, {call} AS p FROM {table} e GROUP BY {user} LIMIT 5")


def show_head(info: ModelInfo) -> None:
    """A head that was just learned."""
    notes = info.notes
    if "intervention" in notes:
        render.say(
            f"{info.label}: {notes['n_treated']:,} treated and {notes['n_held_out']:,} held-out users with known "
            f"outcomes at {notes['moments']:,} moments"
        )
        left = notes["n_not_randomised"] + notes["n_strangers"]
        if left:
            render.say(f"{left:,} users are left out: not assigned by chance, or without an event before")
        show_figures(info.metrics)
        return
    render.say(
        f"{info.label}: {notes['n_labels']:,} labels of {notes['n_users']:,} users at {notes['moments']:,} moments"
    )
    show_figures(info.metrics)
    if "no_known_at" in notes:
        render.warn(str(notes["no_known_at"]))


def show_figures(metrics: Mapping[str, Any]) -> None:
    """What a head and its baselines reach on labels that were not learned, then the verdict."""
    if "uplift" in metrics:
        _show_uplift(metrics["uplift"])
    for part, found in metrics.get("label", {}).items():
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


def _show_uplift(found: Mapping[str, Any]) -> None:
    """What was told to users that were not learned, and what came of them."""
    title = f"on {found['n']:,} users that were not learned, by what they were told"
    table = Table("users", "told", "uplift", "low", "high", title=title, title_justify="left")
    for part in found["tenths"]:
        table.add_row(
            f"{part['n']:,}", *(render.number(part[name]) for name in ("told", "uplift", "uplift_low", "uplift_high"))
        )
    render.show_fitting(table)
