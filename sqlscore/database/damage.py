"""What is wrong with stored models: bytes that changed, rows that are gone."""

from __future__ import annotations

import io
import json
import zipfile

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import ArtifactError
from sqlscore.scoring.manifest import read_manifest, sha256_of


def damage_of(con: duckdb.DuckDBPyConnection, label: str) -> str | None:
    """What is wrong with a version as the file holds it, in words; None if it is sound. No code of it is run."""
    row = one(
        con, "SELECT artifact, sha256, manifest FROM sqlscore.models WHERE concat(name, '@', version) = ?", [label]
    )
    if row is None:
        return "sqlscore.models does not hold it any more"
    data, sha256, manifest = row
    if data is None:
        return "its artifact in sqlscore.models is missing"
    wrong = damage_in(bytes(data), sha256)
    if wrong is None and not is_readable(manifest):
        return "its manifest in sqlscore.models is not one: `sqlscore export` and `sqlscore import` make a sound copy"
    return wrong


def damage_in(data: bytes, sha256: str | None) -> str | None:
    """What is wrong with an artifact that should have this hash; None if it is sound."""
    found = sha256_of(data)
    if found != sha256:
        return f"its artifact has sha256 {found}, the registry says {sha256}: it was changed or damaged"
    try:
        read_manifest(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            broken = archive.testzip()
    except (ArtifactError, AttributeError, zipfile.BadZipFile, OSError, RuntimeError) as error:
        return f"its artifact cannot be read: {error}"
    return None if broken is None else f"its artifact cannot be read: {broken} in it is damaged"


def is_readable(manifest: str | None) -> bool:
    """Whether a text of the column `manifest` says what the registry lists of a model."""
    try:
        fields = json.loads(manifest or "")
    except ValueError:
        return False
    return isinstance(fields, dict) and {"heads", "inputs", "horizon_seconds", "notes"} <= set(fields)


def lost_champion(con: duckdb.DuckDBPyConnection, mapping: str) -> tuple[str, str] | None:
    """The champion of a mapping, and what is wrong with it; None if it is sound or there is none."""
    row = one(
        con,
        "SELECT concat(name, '@', version) FROM sqlscore.aliases WHERE mapping = ? AND alias = 'champion'",
        [mapping],
    )
    wrong = damage_of(con, row[0]) if row else None
    return (row[0], wrong) if row and wrong else None
