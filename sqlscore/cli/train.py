"""The commands `train` and `evaluate`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sqlscore.cli import render
from sqlscore.cli.evaluation_shown import show_evaluation, show_model
from sqlscore.cli.options import AllowLeak, Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import Bar, working
from sqlscore.cli.track import Track, tracking_store
from sqlscore.scoring.catalog import UNTRAINED

if TYPE_CHECKING:
    from sqlscore.database.registry import ModelInfo

Architecture = Annotated[str, typer.Option("--architecture", "-a", help="Which kind of model.")]

Horizon = Annotated[
    str | None,
    typer.Option("--horizon", help="How far ahead churn looks, e.g. '14 days' (default: chosen from the data)."),
]

Horizons = Annotated[
    str | None,
    typer.Option(
        "--horizons", metavar="SPAN,..", help="Several, as '7 days,30 days', for churn_risk(e, horizon := ...)."
    ),
]

Lookback = Annotated[
    str | None,
    typer.Option("--lookback", help="Users seen within this time count for churn (default: chosen from the data)."),
]

ModelName = Annotated[str | None, typer.Option("--name", help="The name of the model (default: that of the mapping).")]
Epochs = Annotated[
    int | None, typer.Option("--max-epochs", min=1, help="Passes over the training part, at most (default: 30).")
]


_JUDGED = ("next_action", "time_to_next", "churn")


def train(
    db: Database,
    architecture: Architecture = "gru",
    horizon: Horizon = None,
    horizons: Horizons = None,
    lookback: Lookback = None,
    name: ModelName = None,
    mapping: MappingName = "events",
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data give the same model.")] = 0,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Make it the champion, which functions use by default.")
    ] = True,
    refit: Annotated[
        bool, typer.Option("--refit/--no-refit", help="At the end, continue training on the validation part too.")
    ] = True,
    recency: Annotated[
        float | None,
        typer.Option("--recency", help="How often weights halve from newest to oldest (default: chosen)."),
    ] = None,
    through_now: Annotated[
        bool,
        typer.Option("--through-now/--no-through-now", help="Once it is judged, learn the newest events too."),
    ] = True,
    class_weight: Annotated[
        str, typer.Option("--class-weight", metavar="none|balanced", help="Give more weight to rare actions.")
    ] = "none",
    weight_from: Annotated[
        str | None,
        typer.Option("--weight-from", metavar="interventions", help="Learn the churn of users whom nobody treats."),
    ] = None,
    focal_gamma: Annotated[
        float, typer.Option("--focal-gamma", help="Give more weight to what is hard to predict; 2 is usual.")
    ] = 0.0,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="FILE", help="Save each epoch; after a kill, continue from it."),
    ] = None,
    max_events: Annotated[
        int, typer.Option("--max-events", min=1, help="If there are more events, users are sampled.")
    ] = 1_000_000,
    features: Annotated[
        str | None,
        typer.Option("--features", metavar="auto", help="Try columns that are not mapped; map those that help."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --features auto: map them although score tables are dropped.")
    ] = False,
    allow_leak: AllowLeak = None,
    track: Track = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Train a model on the mapped events and register it.

    Example: sqlscore train shop.duckdb --horizon '14 days'
    """
    from sqlscore import list_models
    from sqlscore import train as verb

    with open_database(db, device=device) as con, Bar() as bar:
        before = next((model for model in list_models(con, mapping) if model.is_champion and model.is_untrained), None)
        info = verb(
            con,
            mapping=mapping,
            name=name,
            architecture=architecture,
            horizon=horizon,
            horizons=horizons,
            lookback=lookback,
            seed=seed,
            promote=promote,
            track=tracking_store(track),
            features=features,
            force=force,
            allow_leak=allow_leak or (),
            progress=bar,
            refit=refit,
            recency=recency,
            through_now=through_now,
            weight_from=weight_from,
            class_weight=class_weight,
            focal_gamma=focal_gamma,
            checkpoint=checkpoint,
            max_events=max_events,
        )
    if json:
        render.as_json(info)
        return
    show_model(info)
    _show_columns((info.notes.get("search") or {}).get("columns", ()))
    show_evaluation(info.metrics, _beside(info, before))
    _show_replaced(db, info, before)
    if info.metrics and refit and through_now:
        render.say("The figures are of the model before it learned the newest events, on which it was judged.")
    chosen = () if mapping == "events" else ("--mapping", mapping)
    if info.is_champion:
        render.next_step("sqlscore", "refresh", db, *chosen)
    elif not promote:  # otherwise it is said above what speaks against it, and how to go on
        render.next_step("sqlscore", "promote", db, info.label)


def evaluate(
    db: Database,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which, or a head (default: the champion).")
    ] = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Judge a model on the latest events, beside its baselines.

    Example: sqlscore evaluate shop.duckdb --json
    """
    from sqlscore import evaluate as verb
    from sqlscore.cli.finetune import show_figures

    with open_database(db, device=device) as con, working("judging"):
        result = verb(con, model, mapping=mapping)
    if json:
        render.as_json(result)
    elif "label" in result or "uplift" in result:  # a fine-tuned head
        show_figures(result)
    else:
        show_evaluation(result)


def _show_columns(trials: Sequence[Mapping[str, Any]]) -> None:
    """What each column gained that was not mapped, and which are mapped now."""
    if not trials:
        return
    table = render.narrow("log-loss that a column takes away, on validation", ("column", "", "gain", "error"), 2)
    for trial in trials:
        measured = (f"{trial[key]:+.4f}" if trial[key] is not None else "" for key in ("gain", "error"))
        table.add_row(trial["name"], "added" if trial["added"] else trial["why"], *measured)
    render.show_fitting(table, prose=("",))
    added = [trial["name"] for trial in trials if trial["added"]]
    render.say(f"mapped besides: {', '.join(added)}" if added else "no column gained: the mapping is as it was")


def _beside(info: ModelInfo, before: ModelInfo | None) -> dict[str, Any] | None:
    """The figures of the untrained champion that was there before, of heads that were judged on the same events."""
    if before is None:
        return None
    own, other = (model.notes.get("periods") or {} for model in (info, before))
    same = all(own.get(name) == other.get(name) for name in ("t2", "first", "high_water", "by_users"))
    same = same and info.notes.get("sample") == before.notes.get("sample")
    heads = ("next_action", "time_to_next", *(("churn",) if own.get("churn") == other.get("churn") else ()))
    return {"model": f"{before.label}, {UNTRAINED}"} | {head: before.metrics.get(head) for head in heads if same}


def _show_replaced(db: str, info: ModelInfo, before: ModelInfo | None) -> None:
    """That an untrained champion gave way, and where its figures are not those of the same events."""
    if before is None:
        return
    if info.is_champion:
        render.say(f"{info.label} replaces {before.label} ({before.kind}) as champion.")
    beside = _beside(info, before) or {}
    if any(before.metrics.get(head) and info.metrics.get(head) and not beside.get(head) for head in _JUDGED):
        command = shlex.join(["sqlscore", "compare", db, "--models", f"{before.label},{info.label}"])
        render.say(f"{before.label} was judged on other events or by another horizon; on the same ones: {command}")
