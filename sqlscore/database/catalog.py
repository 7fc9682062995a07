"""The models, aliases and mappings of a file, as the SQL functions of a connection read them."""

from __future__ import annotations

import duckdb

from sqlscore.database.attaching import attach
from sqlscore.database.champions import IS_BASE
from sqlscore.database.identity import file_number
from sqlscore.database.queries import one
from sqlscore.errors import InstallError, MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.scoring.catalog import Catalog, Snapshot, StoredModel, catalog_of
from sqlscore.udfs.functions import INSTANCE


def mapped(con: duckdb.DuckDBPyConnection, name: str, *, read: bool = True) -> Mapping:
    """The mapping of that name; what its events are in besides the file is attached, if they are to be read.

    Raises MappingError if there is none, SourceError if another database cannot be read.
    """
    snapshot = catalog(con).snapshot
    if name not in snapshot.mappings:
        have = ", ".join(snapshot.mappings) or "none"
        raise MappingError(
            f'no events are mapped as "{name}" (mapped: {have}): '
            "run `sqlscore init DB --events TABLE ...`, or sqlscore.map_events(con, ...)"
        )
    if read:
        attach(con, snapshot.mappings[name].attached)
    return snapshot.mappings[name]


def catalog(con: duckdb.DuckDBPyConnection) -> Catalog:
    """The catalog of this connection's database. Raises InstallError if sqlscore did not open the database."""
    try:
        row = one(con, f"SELECT {INSTANCE}()")
    except duckdb.CatalogException as error:
        raise InstallError("this connection was not opened with sqlscore.connect(): open the file with it") from error
    known = catalog_of(row[0]) if row else None
    if known is None:
        raise InstallError("this database was closed and opened again: open it with sqlscore.connect()")
    return known


def synchronize(con: duckdb.DuckDBPyConnection) -> None:
    """Bring the catalog up to date with the registry; every verb that changes the registry ends with this."""
    target = catalog(con)
    known = target.snapshot.models
    mappings = {
        name: Mapping.from_json(text)
        for name, text in con.execute("SELECT name, mapping FROM sqlscore.mappings").fetchall()
    }
    models = {}
    for name, version, mapping, sha256, architecture, is_base in con.execute(
        f"SELECT name, version, mapping, sha256, architecture, {IS_BASE} FROM sqlscore.models"
    ).fetchall():
        label = f"{name}@{version}"
        same = label in known and known[label].sha256 == sha256
        models[label] = StoredModel(
            label,
            mapping,
            sha256,
            known[label].data if same else _artifact(con, name, version),
            architecture,
            is_base,
        )
    aliases = {
        (mapping, alias): f"{name}@{version}"
        for mapping, alias, name, version in con.execute(
            "SELECT mapping, alias, name, version FROM sqlscore.aliases"
        ).fetchall()
    }
    target.snapshot = Snapshot(mappings, models, aliases, file_number(con))


def _artifact(con: duckdb.DuckDBPyConnection, name: str, version: int) -> bytes:
    row = one(con, "SELECT artifact FROM sqlscore.models WHERE name = ? AND version = ?", [name, version])
    return bytes(row[0]) if row and row[0] is not None else b""
