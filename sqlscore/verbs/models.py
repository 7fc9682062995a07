"""The verbs about stored models: list, promote, drop, export and import."""

from __future__ import annotations

from pathlib import Path

import duckdb

from sqlscore.database.catalog import catalog, synchronize
from sqlscore.database.damage import damage_in
from sqlscore.database.model_file import read_model_file, write_model_file
from sqlscore.database.registry import ModelInfo, find_model, register, registered_models, set_champion
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.errors import ArtifactError, ModelError
from sqlscore.events.mapping import DEFAULT_MAPPING


@on_own_connection
def list_models(con: duckdb.DuckDBPyConnection, mapping: str | None = None) -> list[ModelInfo]:
    """All registered versions, or those of one mapping, newest first.

    >>> [m.label for m in sqlscore.list_models(con) if m.is_champion]
    """
    return registered_models(con, mapping)


@on_own_connection
def promote(con: duckdb.DuckDBPyConnection, model: str) -> ModelInfo:
    """Make a version the champion of its mapping, which is used from the next query on. No macro or view changes.

    Raises ModelError if it is not registered.

    >>> sqlscore.promote(con, "events@3")
    """
    info = find_model(con, model)
    with recorded(con, "promote", info.mapping) as details, transaction(con):
        details["model"] = info.label
        set_champion(con, info.mapping, info.name, info.version)
    synchronize(con)
    return find_model(con, info.label)


@on_own_connection
def drop_model(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """Remove a version for good; its number is never given again.

    Raises ModelError if it is not registered, or if it is the champion while there are other versions.
    """
    info = find_model(con, model)
    others = [m.label for m in registered_models(con, info.mapping) if m.label != info.label]
    if info.is_champion and others:
        raise ModelError(f"{info.label} is the champion: promote another first ({', '.join(others)})")
    with recorded(con, "drop_model", info.mapping) as details, transaction(con):
        details["model"] = info.label
        con.execute("DELETE FROM sqlscore.aliases WHERE name = ? AND version = ?", [info.name, info.version])
        con.execute("DELETE FROM sqlscore.models WHERE name = ? AND version = ?", [info.name, info.version])
    synchronize(con)


@on_own_connection
def export_model(con: duckdb.DuckDBPyConnection, model: str | None, path: str | Path) -> str:
    """Write a version to a file, and return the sha256 of its artifact.

    Args:
        con: A connection that `connect` made.
        model: A label such as "events@3", or a name for its newest version; None is the champion of "events".
        path: The file to write.

    Raises ModelError if the model is not registered, ArtifactError if it is damaged, OutputError if the path is a
    file that does not hold a model.
    """
    stored = catalog(con).find(model, DEFAULT_MAPPING)
    wrong = damage_in(stored.data, stored.sha256)
    if wrong is not None:
        raise ArtifactError(f"{stored.label} is not exported: {wrong}; import it again or train again")
    write_model_file(Path(path), stored.data, stored.sha256)
    return stored.sha256


@on_own_connection
def import_model(
    con: duckdb.DuckDBPyConnection,
    path: str | Path,
    *,
    name: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    sha256: str | None = None,
    promote: bool = False,
) -> ModelInfo:
    """Register the model in a file that `export_model` wrote, as the next version of `name`.

    Args:
        con: A connection that `connect` made.
        path: The file.
        name: The name to register it under; by default that of the mapping.
        mapping: The name of the mapping that it belongs to.
        sha256: What `export_model` returned. A model is code: pass this if the file came from somewhere else.
        promote: Whether to make it the champion.

    Raises ArtifactError if the file is damaged or does not have that hash, and nothing in it is run then; also if the
    model cannot score a few made-up events as its manifest says.
    """
    from sqlscore.scoring.loading import load  # torch
    from sqlscore.scoring.probe import probe

    data, found = read_model_file(Path(path), sha256)
    try:
        probe(load(data, found, Path(path).name, catalog(con).device))
    except ArtifactError as error:
        raise ArtifactError(f"{path} is not registered: {error}") from error
    return register(con, data, name=name or mapping, mapping=mapping, champion=promote, verb="import_model")
