"""The commands `models`, `promote`, `rollback`, `drop`, `export` and `import`: the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, Model, open_database
from sqlscore.cli.train import ModelName
from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.database.registry import ModelInfo


class ExportFormat(StrEnum):
    """What `sqlscore export` writes."""

    sqlscore = "sqlscore"
    safetensors = "safetensors"
    torchscript = "torchscript"
    onnx = "onnx"


def models(db: Database, json: Json = False) -> None:
    """List the registered models.

    Example: sqlscore models shop.duckdb
    """
    from sqlscore import list_models

    with open_database(db, read_only=True) as con:
        infos = list_models(con)
    if json:
        render.as_json(infos)
    else:
        _show(infos)


def promote(
    db: Database,
    model: Model,
    force: Annotated[
        bool, typer.Option("--force", help="Promote it even if it lacks a head or a column, or is worse.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a version the champion: the one that functions use when none is named.

    Example: sqlscore promote shop.duckdb events@2
    """
    from sqlscore import promote as verb

    with open_database(db) as con:
        info = verb(con, model, force=force)
    _is_champion(info, db, json)


def rollback(db: Database, mapping: MappingName = "events", json: Json = False) -> None:
    """Make the champion before the present one champion again.

    Example: sqlscore rollback shop.duckdb
    """
    from sqlscore import rollback as verb

    with open_database(db) as con:
        info = verb(con, mapping)
    _is_champion(info, db, json)


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
    format: Annotated[
        ExportFormat, typer.Option("--format", help="For other runtimes: safetensors, torchscript or onnx.")
    ] = ExportFormat.sqlscore,
    json: Json = False,
) -> None:
    """Write a model to one file, to carry it to another database.

    Example: sqlscore export shop.duckdb champion.sqlscore
    """
    from sqlscore import export_model

    with open_database(db, read_only=True) as con:
        sha256 = export_model(con, model, path, format=format.value)
    render.done({"path": str(path), "sha256": sha256}, f"{path} has sha256 {sha256}", json)


def import_(
    db: Database,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What sqlscore export wrote.")],
    name: ModelName = None,
    mapping: MappingName = "events",
    sha256: Annotated[str | None, typer.Option("--sha256", help="Refuse the file if it has another hash.")] = None,
    promote: Annotated[bool, typer.Option("--promote/--no-promote", help="Make it the champion.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Promote it as promote --force does.")] = False,
    json: Json = False,
) -> None:
    """Register a model from a file. Nothing in it is run; compare its hash if it matters who made it.

    Example: sqlscore import shop.duckdb champion.sqlscore --sha256 0f1e...
    """
    from sqlscore import import_model

    with open_database(db) as con:
        info = import_model(con, path, name=name, mapping=mapping, sha256=sha256, promote=promote, force=force)
    render.done(info, f"{info.label} is registered" + (" and the champion" if info.is_champion else ""), json)


def _is_champion(info: ModelInfo, db: str, json: bool) -> None:
    render.done(info, f"{info.label} is the champion of {info.mapping}", json)
    if not json:
        chosen = () if info.mapping == "events" else ("--mapping", info.mapping)
        render.next_step("sqlscore", "refresh", db, *chosen)


def _show(infos: Sequence[ModelInfo]) -> None:
    """The registry, a row a model."""
    if not infos:
        render.say("no models yet: run sqlscore train")
        return
    table = Table("model", "", "architecture", "heads", "horizon", "trained to", "accuracy", "churn AUC", "created")
    for info in infos:
        table.add_row(
            info.label,
            "champion" if info.is_champion else "",
            info.kind,
            ", ".join(info.heads),
            in_words(info.horizon_seconds) if info.horizon_seconds else "",
            render.day(info.trained_to),
            render.number(_dig(info.metrics, "next_action", "accuracy")),
            render.number(_dig(info.metrics, "churn", "auc")),
            str(info.created_at)[:16],
        )
    render.show_fitting(table, ("heads", "created", "trained to", "horizon", "architecture"))


def _dig(values: Mapping[str, Any], *path: str) -> Any:
    """The value under nested keys; None if one is missing."""
    value: Any = values
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
