"""The model registry in the database file: versions, the champion, artifacts in and out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.errors import InstallError, ModelError
from sqlscore.events import DEFAULT_MAPPING, Mapping
from sqlscore.manifest import read_manifest, sha256_of
from sqlscore.model_file import read_model_file, write_model_file
from sqlscore.queries import one
from sqlscore.transactions import now, on_own_connection, recorded, transaction
from sqlscore.udfs.catalog import Catalog, Snapshot, StoredModel, catalog_of
from sqlscore.udfs.functions import INSTANCE


@dataclass(frozen=True)
class ModelInfo:
    """A registered model version."""

    name: str
    version: int
    mapping: str
    architecture: str
    heads: tuple[str, ...]
    horizon_seconds: float | None
    trained_from: datetime | None
    trained_to: datetime | None
    created_at: datetime
    sha256: str
    is_champion: bool
    metrics: dict[str, Any]
    notes: dict[str, Any]

    @property
    def label(self) -> str:
        """`name@version`, as SQL and the command line name it."""
        return f"{self.name}@{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return {"label": self.label, **asdict(self)}


def catalog(con: duckdb.DuckDBPyConnection) -> Catalog:
    """The catalog of this connection's database. Raises InstallError where sqlscore did not open it."""
    try:
        row = one(con, f"SELECT {INSTANCE}()")
    except duckdb.CatalogException as error:
        raise InstallError("this connection was not opened with sqlscore.connect(): open the file with that") from error
    found = catalog_of(row[0]) if row else None
    if found is None:
        raise InstallError("this database was closed and opened again: open it with sqlscore.connect()")
    return found


def synchronize(con: duckdb.DuckDBPyConnection) -> None:
    """Show the functions what the registry holds now; every verb that changes the registry ends with this."""
    target = catalog(con)
    known = target.snapshot.models
    mappings = {
        name: Mapping.from_json(text)
        for name, text in con.execute("SELECT name, mapping FROM sqlscore.mappings").fetchall()
    }
    models = {}
    for name, version, mapping, sha256 in con.execute(
        "SELECT name, version, mapping, sha256 FROM sqlscore.models"
    ).fetchall():
        label = f"{name}@{version}"
        same = label in known and known[label].sha256 == sha256
        models[label] = StoredModel(
            label, mapping, sha256, known[label].data if same else _artifact(con, name, version)
        )
    aliases = {
        (mapping, alias): f"{name}@{version}"
        for mapping, alias, name, version in con.execute(
            "SELECT mapping, alias, name, version FROM sqlscore.aliases"
        ).fetchall()
    }
    target.snapshot = Snapshot(mappings, models, aliases)


@on_own_connection
def list_models(con: duckdb.DuckDBPyConnection, mapping: str | None = None) -> list[ModelInfo]:
    """All registered versions, newest first; of one mapping where it is named.

    >>> [m.label for m in sqlscore.list_models(con) if m.is_champion]
    """
    rows = con.execute(
        """SELECT m.name, m.version, m.mapping, m.architecture, m.manifest, m.metrics, m.trained_from, m.trained_to,
                  m.created_at, m.sha256, a.alias IS NOT NULL
           FROM sqlscore.models m LEFT JOIN sqlscore.aliases a
             ON a.mapping = m.mapping AND a.name = m.name AND a.version = m.version AND a.alias = 'champion'
           WHERE ? IS NULL OR m.mapping = ?
           ORDER BY m.created_at DESC, m.version DESC""",
        [mapping, mapping],
    ).fetchall()
    infos = []
    for name, version, mapped, architecture, manifest, metrics, start, end, created, sha256, champion in rows:
        fields = json.loads(manifest)
        infos.append(
            ModelInfo(
                name, version, mapped, architecture, tuple(fields["heads"]), fields["horizon_seconds"], start, end,
                created, sha256, champion, json.loads(metrics), fields["notes"],
            )
        )  # fmt: skip
    return infos


def find_model(con: duckdb.DuckDBPyConnection, model: str | None, mapping: str = DEFAULT_MAPPING) -> ModelInfo:
    """The version that `model` means: None the champion, a name its newest version, `name@version` itself.

    Raises ModelError where there is none.
    """
    label = catalog(con).find(model, mapping).label
    return next(info for info in list_models(con) if info.label == label)


@on_own_connection
def promote(con: duckdb.DuckDBPyConnection, model: str) -> ModelInfo:
    """Make this version the champion of its mapping, used from the next query on. No macro or view changes.

    Raises ModelError where it is not registered.

    >>> sqlscore.promote(con, "events@3")
    """
    info = find_model(con, model)
    with recorded(con, "promote", info.mapping) as details, transaction(con):
        details["model"] = info.label
        _set_champion(con, info.mapping, info.name, info.version)
    synchronize(con)
    return find_model(con, info.label)


@on_own_connection
def drop_model(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """Remove a version for good; its number is not given again.

    Raises ModelError where it is not registered, or is the champion while other versions are there.
    """
    info = find_model(con, model)
    others = [m.label for m in list_models(con, info.mapping) if m.label != info.label]
    if info.is_champion and others:
        raise ModelError(f"{info.label} is the champion: promote another first ({', '.join(others)})")
    with recorded(con, "drop_model", info.mapping) as details, transaction(con):
        details["model"] = info.label
        con.execute("DELETE FROM sqlscore.aliases WHERE name = ? AND version = ?", [info.name, info.version])
        con.execute("DELETE FROM sqlscore.models WHERE name = ? AND version = ?", [info.name, info.version])
    synchronize(con)


def register(
    con: duckdb.DuckDBPyConnection, data: bytes, *, name: str, mapping: str, champion: bool, verb: str
) -> ModelInfo:
    """Store an artifact as the next version of `name`, in one transaction."""
    manifest = read_manifest(data)
    if not name or "@" in name:
        raise ModelError(f"a model's name may not be empty or hold an @, found {name!r}: choose another")
    with recorded(con, verb, mapping) as details, transaction(con):
        version = _next_version(con, name)
        details["model"] = f"{name}@{version}"
        con.execute(
            "INSERT INTO sqlscore.models VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                name, version, mapping, manifest.architecture, json.dumps(manifest.config), manifest.to_json(),
                json.dumps(manifest.metrics), manifest.trained_from, manifest.trained_to, sha256_of(data), data, now(),
            ],
        )  # fmt: skip
        if champion or not one(con, "SELECT 1 FROM sqlscore.aliases WHERE mapping = ?", [mapping]):
            _set_champion(con, mapping, name, version)
    synchronize(con)
    return find_model(con, f"{name}@{version}")


@on_own_connection
def export_model(con: duckdb.DuckDBPyConnection, model: str | None, path: str | Path) -> str:
    """Write a version to one file and return its sha256; model None is the champion.

    Raises ModelError where it is not registered.
    """
    stored = catalog(con).find(model, DEFAULT_MAPPING)
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

    sha256: what `export_model` returned; a model is code, so compare it where the file came from somewhere else.

    Raises ArtifactError where the file is damaged or does not have that hash; nothing of it is run then.
    """
    data, _ = read_model_file(Path(path), sha256)
    return register(con, data, name=name or mapping, mapping=mapping, champion=promote, verb="import_model")


def lacking_features(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str = "champion") -> str:
    """The feature columns, quoted, that a model of this mapping reads and the mapping lacks; empty: none."""
    row = one(
        con,
        """SELECT m.manifest FROM sqlscore.models m LEFT JOIN sqlscore.aliases a
             ON a.mapping = m.mapping AND a.name = m.name AND a.version = m.version
           WHERE m.mapping = ? AND ? IN (a.alias, m.name || '@' || m.version)""",
        [mapping.name, model],
    )
    if row is None:
        return ""
    inputs = json.loads(row[0])["inputs"]
    have = {feature.name for feature in mapping.features}
    return ", ".join(f'"{name}"' for name in (*inputs["categorical"], *inputs["numeric"]) if name not in have)


def _set_champion(con: duckdb.DuckDBPyConnection, mapping: str, name: str, version: int) -> None:
    con.execute("DELETE FROM sqlscore.aliases WHERE mapping = ? AND alias = 'champion'", [mapping])
    con.execute("INSERT INTO sqlscore.aliases VALUES (?, 'champion', ?, ?)", [mapping, name, version])


def _next_version(con: duckdb.DuckDBPyConnection, name: str) -> int:
    row = one(con, "SELECT newest FROM sqlscore.versions WHERE name = ?", [name])
    version = (row[0] if row else 0) + 1
    con.execute("DELETE FROM sqlscore.versions WHERE name = ?", [name])
    con.execute("INSERT INTO sqlscore.versions VALUES (?, ?)", [name, version])
    return version


def _artifact(con: duckdb.DuckDBPyConnection, name: str, version: int) -> bytes:
    row = one(con, "SELECT artifact FROM sqlscore.models WHERE name = ? AND version = ?", [name, version])
    return bytes(row[0]) if row else b""
