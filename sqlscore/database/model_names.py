"""What models, fine-tuned heads and bases for these are called: no two kinds share a name."""

from __future__ import annotations

import duckdb

from sqlscore.database.champions import IS_BASE
from sqlscore.database.queries import one
from sqlscore.errors import ModelError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.scoring.catalog import HEAD
from sqlscore.scoring.manifest import Manifest, read_manifest


def base_name(head: str) -> str:
    """What a base that is tuned for a head is called."""
    return f"{head}_base"


def may_reign(data: bytes) -> bool:
    """Whether an artifact can be champion: a head and a base for one cannot."""
    manifest = read_manifest(data)
    return manifest.architecture != HEAD and not _is_base(manifest)


def check_free(con: duckdb.DuckDBPyConnection, name: str, data: bytes) -> None:
    """Raise ModelError if an artifact cannot have this name: if it is none, or that of another kind."""
    if not name or "@" in name:
        raise ModelError(f"a model's name may not be empty or contain an @, found {name!r}: choose another")
    manifest = read_manifest(data)
    check_name(con, name, manifest.architecture == HEAD, _is_base(manifest))


def check_name(con: duckdb.DuckDBPyConnection, name: str, head: bool, base: bool = False) -> None:
    """Raise ModelError if another kind has this name: models, fine-tuned heads and bases for them share none.

    Models that are neither are called as their mapping by default, so that the others are not called so.
    """
    taken = one(
        con,
        f"""SELECT architecture, {IS_BASE} FROM sqlscore.models
            WHERE name = ? AND (architecture = ?, {IS_BASE}) <> (?, ?) LIMIT 1""",
        [name, HEAD, head, base],
    )
    reserved = name in ("champion", DEFAULT_MAPPING) or (
        base and one(con, "SELECT 1 FROM sqlscore.mappings WHERE name = ?", [name]) is not None
    )
    if taken or ((head or base) and reserved):
        kind = "model" if not taken else "fine-tuned head" if taken[0] == HEAD else _kind_of(taken[1])
        raise ModelError(f"{name!r} is the name of a {kind}: choose another")


def _kind_of(base: bool) -> str:
    return "base for fine-tuning" if base else "model"


def _is_base(manifest: Manifest) -> bool:
    return "pretraining" in manifest.notes or "tuned_for" in manifest.notes
