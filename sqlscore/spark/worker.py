"""In a Python worker of Spark: the models that travelled there, loaded once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlscore.database.model_file import read_model_file
from sqlscore.events.mapping import Mapping
from sqlscore.models.loading import load
from sqlscore.scoring.catalog import Catalog, Snapshot, StoredModel
from sqlscore.scoring.manifest import read_manifest


@dataclass(frozen=True)
class Travelling:
    """A model as tasks name it. Its bytes are in a file of their own."""

    label: str
    sha256: str

    @property
    def file(self) -> str:
        """The name of its file, which no other model can have."""
        return f"sqlscore-{self.sha256}.model"


@dataclass(frozen=True)
class Shipment:
    """All that a worker needs besides the files, small enough to be in every task.

    Attributes:
        mapping: as JSON, which can be hashed.
        models: the champion first.
    """

    mapping: str
    models: tuple[Travelling, ...]


@lru_cache(maxsize=8)
def catalog_of(shipment: Shipment) -> Catalog:
    """The catalog that the functions read, made once a process.

    Raises ArtifactError if a file does not have the hash that its name says; nothing in it is run then.
    """
    from pyspark import SparkFiles

    mapping = Mapping.from_json(shipment.mapping)
    models = {}
    for model in shipment.models:
        data, sha256 = read_model_file(Path(SparkFiles.get(model.file)), model.sha256)
        architecture = read_manifest(data).architecture
        models[model.label] = StoredModel(model.label, mapping.name, sha256, data, architecture)
    known = Catalog("cpu", load)
    known.snapshot = Snapshot({mapping.name: mapping}, models, {(mapping.name, "champion"): shipment.models[0].label})
    return known
