"""What a session sends to its workers: read from a database or a model file, each model in a file of its own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlscore.database.catalog import catalog
from sqlscore.database.model_file import read_model_file, write_model_file
from sqlscore.errors import ModelError, SparkError
from sqlscore.events.mapping import DEFAULT_MAPPING, Feature, Mapping
from sqlscore.scoring.catalog import StoredModel
from sqlscore.scoring.manifest import Manifest, read_manifest
from sqlscore.spark.worker import Shipment, Travelling
from sqlscore.verbs.connect import connect

_DUCKDB = b"DUCK"  # in every DuckDB file from its eighth byte


@dataclass(frozen=True)
class Packed:
    """What `pack` read of a database or a file: a mapping, and the models, the champion first."""

    mapping: Mapping
    models: tuple[StoredModel, ...]

    @property
    def manifest(self) -> Manifest:
        """That of the first model."""
        return read_manifest(self.models[0].data)

    def only(self, model: str | None) -> Packed:
        """With one model alone: the champion, or the one after it that was asked for by name."""
        return Packed(self.mapping, self.models[:1] if model is None else self.models[-1:])


def pack(source: str | Path, mapping: str = DEFAULT_MAPPING, models: tuple[str, ...] = ()) -> Packed:
    """Read a mapping and its models from a database, or the one model of a file that `sqlscore export` wrote.

    A model file says which columns the model reads, and not what those of users, times and actions are called: they
    have the names of `sqlscore.events`.

    Args:
        source: the path of a DuckDB file or a model file.
        mapping: the name of the mapping in a database.
        models: models besides the champion, as `name` or `name@version`.

    Raises SparkError if there is no such file, ModelError or MappingError if it does not hold what is asked for.
    """
    path = Path(source)
    if not path.is_file():
        raise SparkError(f"there is no file {path}: name a DuckDB file that sqlscore made, or a model file (export)")
    with path.open("rb") as file:
        if file.read(12)[8:] == _DUCKDB:
            return _from_database(path, mapping, models)
    data, sha256 = read_model_file(path)
    if models:
        raise ModelError(f"{path} holds one model, so there is no {models[0]!r}: name the database that has them")
    inputs = read_manifest(data).inputs
    features = (
        *(Feature(name, "categorical") for name in inputs.categorical),
        *(Feature(name, "numeric") for name in inputs.numeric),
    )
    mapped = Mapping(mapping, "", "user_id", "event_time", "event_type", features=features)
    return Packed(mapped, (StoredModel(f"{path.stem}@1", mapping, sha256, data),))


def _from_database(path: Path, mapping: str, models: tuple[str, ...]) -> Packed:
    with connect(path, read_only=True) as con:
        known = catalog(con)
        asked = [known.find(name, mapping) for name in (None, *models)]
        bases = [known.find(known.base_of(known.finetuned(m.label, mapping)).name, mapping) for m in asked if m.is_head]
        found = {model.label: model for model in (asked[0], *bases, *asked[1:])}
        for model in found.values():
            if model.mapping != mapping:
                raise ModelError(f'{model.label} is a model of the events mapped as "{model.mapping}", not "{mapping}"')
        return Packed(known.mapping(mapping), tuple(found.values()))


def ship(spark: Any, packed: Packed) -> Shipment:
    """Add the models' files to a session, classic or Connect, and say what its tasks need besides these."""
    travelling = tuple(Travelling(model.label, model.sha256) for model in packed.models)
    for model, named in zip(packed.models, travelling, strict=True):
        path = _outgoing() / named.file
        if not path.exists():
            write_model_file(path, model.data, model.sha256)
        spark.addArtifacts(str(path), file=True)
    return Shipment(packed.mapping.to_json(), travelling)


@cache
def _outgoing() -> Path:
    """A folder for this process. A classic session sends a file when an executor asks for it, so it has to stay."""
    folder = tempfile.mkdtemp(prefix="sqlscore-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
