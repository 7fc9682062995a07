"""The model registry in the database file: versions, the champion, artifacts in and out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb

from sqlscore.database.catalog import catalog, synchronize
from sqlscore.database.champions import set_champion
from sqlscore.database.damage import is_readable
from sqlscore.database.model_names import base_name, check_free, may_reign
from sqlscore.database.queries import one
from sqlscore.database.transactions import now, recorded, transaction
from sqlscore.errors import ModelError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.scoring.catalog import HEAD, UNTRAINED, StoredModel
from sqlscore.scoring.manifest import read_manifest, sha256_of


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
    damage: str | None = None  # why the row cannot be read; then heads and notes are empty

    @property
    def is_head(self) -> bool:
        """Whether it is a fine-tuned head, which needs another model to score and is never champion."""
        return self.architecture == HEAD

    @property
    def is_pretrained(self) -> bool:
        """Whether it is a base for fine-tuning that `pretrain` made, which is never champion."""
        return "pretraining" in self.notes

    @property
    def tuned_for(self) -> str | None:
        """The label for which `finetune` tuned its encoder; None of other models. It is never champion."""
        found = self.notes.get("tuned_for")
        return None if found is None else str(found["label"])

    @property
    def is_base(self) -> bool:
        """Whether it is a base for fine-tuning and nothing else."""
        return self.is_pretrained or self.tuned_for is not None

    @property
    def may_reign(self) -> bool:
        """Whether it can be champion."""
        return not self.is_head and not self.is_base

    @property
    def is_untrained(self) -> bool:
        """Whether it is counts and tables that `score` made, which the first training replaces."""
        return self.architecture == UNTRAINED

    @property
    def kind(self) -> str:
        """What it is, in words: its architecture, and that it was not trained, or is a base for fine-tuning."""
        if self.is_untrained:
            return "counts, no training"
        if self.tuned_for is not None:
            return f"{self.architecture}, tuned for {self.tuned_for}"
        return f"{self.architecture}, pretrained" if self.is_pretrained else self.architecture

    @property
    def label(self) -> str:
        """`name@version`, as SQL and the command line name it."""
        return f"{self.name}@{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return {"label": self.label, **asdict(self)}


def registered_models(con: duckdb.DuckDBPyConnection, mapping: str | None = None) -> list[ModelInfo]:
    """All registered versions, or those of one mapping, newest first."""
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
        sound = is_readable(manifest)
        fields = json.loads(manifest) if sound else {"heads": (), "horizon_seconds": None, "notes": {}}
        infos.append(
            ModelInfo(
                name=name,
                version=version,
                mapping=mapped,
                architecture=architecture,
                heads=tuple(fields["heads"]),
                horizon_seconds=fields["horizon_seconds"],
                trained_from=start,
                trained_to=end,
                created_at=created,
                sha256=sha256,
                is_champion=champion,
                metrics=json.loads(metrics or "{}"),
                notes=fields["notes"],
                damage=None if sound else "its manifest in sqlscore.models is not one",
            )
        )
    return infos


def find_model(con: duckdb.DuckDBPyConnection, model: str | None, mapping: str = DEFAULT_MAPPING) -> ModelInfo:
    """The version that `model` names: None is the champion, a name alone is its newest version.

    Raises ModelError if there is none.
    """
    label = catalog(con).find(model, mapping).label
    return next(info for info in registered_models(con) if info.label == label)


def model_of(con: duckdb.DuckDBPyConnection, model: str | None, mapping: str) -> StoredModel:
    """The stored version that `model` names. Raises ModelError if there is none, or if it is of another mapping."""
    stored = catalog(con).find(model, mapping)
    if stored.is_head:
        raise ModelError(f"{stored.label} is a fine-tuned head, not a model: `sqlscore evaluate` shows how good it is")
    if stored.mapping != mapping:
        raise ModelError(
            f'{stored.label} was trained on the events mapped as "{stored.mapping}", not "{mapping}": '
            f'pass mapping="{stored.mapping}"'
        )
    return stored


def register(
    con: duckdb.DuckDBPyConnection, data: bytes, *, name: str, mapping: str, champion: bool, verb: str
) -> ModelInfo:
    """Store an artifact as the next version of `name`, in one transaction.

    Args:
        con: A writable connection.
        data: The artifact.
        name: The name of the model.
        mapping: The mapping that it belongs to.
        champion: Whether to promote it; the first model of a mapping always is, and a head or a base for one never.
        verb: The verb to record in `sqlscore.runs`.

    Raises ModelError if the name is not valid, or if it is that of another kind: of models, fine-tuned heads and
    bases for them.
    """
    check_free(con, name, data)
    with recorded(con, verb, mapping) as details, transaction(con):
        version = _store(con, data, name, mapping)
        details["model"] = f"{name}@{version}"
        if may_reign(data) and (
            champion or not one(con, "SELECT 1 FROM sqlscore.aliases WHERE mapping = ?", [mapping])
        ):
            why = "It was asked for." if champion else "It was the first model of the mapping."
            set_champion(con, mapping, name, version, verb, why)
    synchronize(con)
    return find_model(con, f"{name}@{version}")


def register_with_base(
    con: duckdb.DuckDBPyConnection, head: Callable[[str], bytes], base: bytes, *, name: str, mapping: str, verb: str
) -> ModelInfo:
    """Store a head and the base that was tuned for it, both or neither.

    Args:
        con: A writable connection.
        head: What its base is registered as, name@version -> its artifact.
        base: The artifact of the base.
        name: The name of the head; `base_name` says that of the base.
        mapping: The mapping that both belong to.
        verb: The verb to record in `sqlscore.runs`.

    Returns the head. Raises ModelError as `register`.
    """
    own = base_name(name)
    check_free(con, own, base)
    with recorded(con, verb, mapping) as details, transaction(con):
        details["base"] = f"{own}@{_store(con, base, own, mapping)}"
        data = head(details["base"])
        check_free(con, name, data)
        details["model"] = f"{name}@{_store(con, data, name, mapping)}"
    synchronize(con)
    return find_model(con, details["model"])


def _store(con: duckdb.DuckDBPyConnection, data: bytes, name: str, mapping: str) -> int:
    """Store an artifact in the caller's transaction. Returns its version."""
    manifest, version = read_manifest(data), _next_version(con, name)
    row = {
        "name": name,
        "version": version,
        "mapping": mapping,
        "architecture": manifest.architecture,
        "config": json.dumps(manifest.config),
        "manifest": manifest.to_json(),
        "metrics": json.dumps(manifest.metrics),
        "trained_from": manifest.trained_from,
        "trained_to": manifest.trained_to,
        "sha256": sha256_of(data),
        "artifact": data,
        "created_at": now(),
    }
    columns, places = ", ".join(row), ", ".join("?" for _ in row)
    con.execute(f"INSERT INTO sqlscore.models ({columns}) VALUES ({places})", list(row.values()))
    return version


def heads_on(con: duckdb.DuckDBPyConnection, sha256: str) -> list[str]:
    """The fine-tuned heads, name@version, that need the model with this hash."""
    rows = con.execute(
        "SELECT concat(name, '@', version) FROM sqlscore.models WHERE architecture = ? "
        "AND manifest ->> '$.config.base_sha256' = ? ORDER BY ALL",
        [HEAD, sha256],
    ).fetchall()
    return [row[0] for row in rows]


def _next_version(con: duckdb.DuckDBPyConnection, name: str) -> int:
    row = one(con, "SELECT newest FROM sqlscore.versions WHERE name = ?", [name])
    version = (row[0] if row else 0) + 1
    con.execute("DELETE FROM sqlscore.versions WHERE name = ?", [name])
    con.execute("INSERT INTO sqlscore.versions (name, newest) VALUES (?, ?)", [name, version])
    return version
