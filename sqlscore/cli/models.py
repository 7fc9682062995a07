"""Commands about models: train, evaluate, models, promote, drop, export, import."""

from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Device, Json, MappingName, Model, open_database
from sqlscore.cli.progress import Bar, working
from sqlscore.cli.track import Track, where

Architecture = Annotated[str, typer.Option("--architecture", "-a", help="Which kind of model.")]
Horizon = Annotated[
    str | None,
    typer.Option("--horizon", help="How far ahead churn looks, e.g. '14 days' (default: chosen from the data)."),
]
Lookback = Annotated[
    str | None, typer.Option("--lookback", help="A user counts for churn if seen within it (default: chosen as well).")
]
ModelName = Annotated[str | None, typer.Option("--name", help="What to call it (default: as the mapping).")]


def train(
    db: Database,
    architecture: Architecture = "gru",
    horizon: Horizon = None,
    lookback: Lookback = None,
    name: ModelName = None,
    mapping: MappingName = "events",
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data give the same model.")] = 0,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Make it the champion, which functions use by default.")
    ] = True,
    refit: Annotated[
        bool, typer.Option("--refit/--no-refit", help="At the end, train on with the part that validated.")
    ] = True,
    recency: Annotated[
        float, typer.Option("--recency", help="How often weights halve from the newest event to the oldest.")
    ] = 0.0,
    class_weight: Annotated[
        str, typer.Option("--class-weight", metavar="none|balanced", help="Weigh rare actions more.")
    ] = "none",
    focal_gamma: Annotated[
        float, typer.Option("--focal-gamma", help="Weigh what is hard to predict more; 2 is usual.")
    ] = 0.0,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="FILE", help="Keep every epoch, and go on after a kill.")
    ] = None,
    max_events: Annotated[int, typer.Option("--max-events", min=1, help="Above it, users are sampled.")] = 1_000_000,
    track: Track = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Train a model on the mapped events and register it.

    Example: sqlscore train shop.duckdb --horizon '14 days'
    """
    from sqlscore import train as verb

    with open_database(db, device=device) as con, Bar() as bar:
        info = verb(
            con,
            mapping=mapping,
            name=name,
            architecture=architecture,
            horizon=horizon,
            lookback=lookback,
            seed=seed,
            promote=promote,
            track=where(track),
            progress=bar,
            refit=refit,
            recency=recency,
            class_weight=class_weight,
            focal_gamma=focal_gamma,
            checkpoint=checkpoint,
            max_events=max_events,
        )
    if json:
        render.as_json(info)
        return
    render.model(info)
    render.evaluation(info.metrics)
    render.next_step("sqlscore", *(("refresh", db) if info.is_champion else ("promote", db, info.label)))


def evaluate(
    db: Database,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which (default: the champion).")
    ] = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Judge a model on the latest events, beside its baselines.

    Example: sqlscore evaluate shop.duckdb --json
    """
    from sqlscore import evaluate as verb

    with open_database(db, device=device) as con, working("judging"):
        result = verb(con, model, mapping=mapping)
    if json:
        render.as_json(result)
    else:
        render.evaluation(result)


def models(db: Database, json: Json = False) -> None:
    """List the registered models.

    Example: sqlscore models shop.duckdb
    """
    from sqlscore import list_models

    with open_database(db, read_only=True) as con:
        found = list_models(con)
    if json:
        render.as_json(found)
    else:
        render.models(found)


def promote(db: Database, model: Model, json: Json = False) -> None:
    """Make a version the champion: the one that functions use when none is named.

    Example: sqlscore promote shop.duckdb events@2
    """
    from sqlscore import promote as verb

    with open_database(db) as con:
        info = verb(con, model)
    render.done(info, f"{info.label} is the champion of {info.mapping}", json)
    if not json:
        render.next_step("sqlscore", "refresh", db)


def drop(db: Database, model: Model, json: Json = False) -> None:
    """Remove a version for good.

    Example: sqlscore drop shop.duckdb events@1
    """
    from sqlscore import drop_model

    with open_database(db) as con:
        drop_model(con, model)
    render.done({"dropped": model}, f"{model} is gone", json)


def export(
    db: Database,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the model.")],
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which (default: the champion).")
    ] = None,
    json: Json = False,
) -> None:
    """Write a model to one file, to carry it to another database.

    Example: sqlscore export shop.duckdb champion.sqlscore
    """
    from sqlscore import export_model

    with open_database(db, read_only=True) as con:
        sha256 = export_model(con, model, path)
    render.done({"path": str(path), "sha256": sha256}, f"{path} has sha256 {sha256}", json)


def import_(
    db: Database,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What sqlscore export wrote.")],
    name: ModelName = None,
    mapping: MappingName = "events",
    sha256: Annotated[str | None, typer.Option("--sha256", help="Refuse the file if it has another hash.")] = None,
    promote: Annotated[bool, typer.Option("--promote/--no-promote", help="Make it the champion.")] = False,
    json: Json = False,
) -> None:
    """Register a model from a file. A model is code: compare its hash where it comes from somebody else.

    Example: sqlscore import shop.duckdb champion.sqlscore --sha256 0f1e...
    """
    from sqlscore import import_model

    with open_database(db) as con:
        info = import_model(con, path, name=name, mapping=mapping, sha256=sha256, promote=promote)
    render.done(info, f"{info.label} is registered" + (" and the champion" if info.is_champion else ""), json)
