"""What one open database knows of mappings and models, as its functions see it.

A function cannot query the connection that runs it, so the verbs put a new snapshot here after each commit.
"""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sqlscore.errors import MappingError, ModelError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping

if TYPE_CHECKING:
    from sqlscore.scoring.artifact import Artifact
    from sqlscore.scoring.label_artifact import FinetunedModel

HEAD = "head"
"""The architecture of a fine-tuned head."""
UNTRAINED = "counts"
"""The architecture of what `score` makes: counts and tables, to be replaced by the first training."""


@dataclass(frozen=True)
class StoredModel:
    """A registered model that may not be loaded yet."""

    label: str  # name@version
    mapping: str
    sha256: str
    data: bytes
    architecture: str = ""
    is_base: bool = False  # a base for fine-tuning, which is never champion

    @property
    def is_head(self) -> bool:
        """Whether it is a fine-tuned head, which needs another model to score."""
        return self.architecture == HEAD


@dataclass(frozen=True)
class Snapshot:
    """The registry at one moment. `aliases` maps (mapping, alias) to a label; 'champion' is one of them."""

    mappings: Dict[str, Mapping] = field(default_factory=dict)
    models: Dict[str, StoredModel] = field(default_factory=dict)
    aliases: Dict[tuple[str, str], str] = field(default_factory=dict)
    file: int = 0  # the number of the database file


class Load(Protocol):
    """`models.loading.load`: modules are built above this package, from what stands in a registered model."""

    def __call__(self, data: bytes, sha256: str, name: str, device: str, *, judged: bool = False) -> Artifact:
        """Bytes, their hash, how the model is reported, where it computes -> the model, or as it was judged."""
        ...


class Catalog:
    """One per database instance, shared by its connections and cursors.

    device: where models compute. load: makes a model of its bytes. path: the database file, None for an unnamed one in
    memory. The engine keeps bare pointers to registered functions and drops its references with the connection that
    registered them, so `functions` are kept here: for a file until it is opened anew, which shows that the old instance
    is gone. `connections` are those that `connect` made and that somebody still has; they are not kept open by it.
    """

    def __init__(self, device: str, load: Load, path: str | None = None) -> None:
        self._load = load
        self.key = uuid.uuid4().hex
        self.device = device
        self.path = path
        self.functions: list[Any] = []
        self.connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self.snapshot = Snapshot()
        self.encoded = 0
        self._lock = threading.Lock()
        if path is not None:
            for key in [key for key, other in _catalogs.items() if other.path == path]:
                del _catalogs[key]
        _catalogs[self.key] = self

    def mapping(self, name: str) -> Mapping:
        """The mapping of that name; before anything is mapped, the default one with the canonical names."""
        mappings = self.snapshot.mappings
        if name in mappings:
            return mappings[name]
        if name == DEFAULT_MAPPING:
            return unmapped()
        have = ", ".join(mappings) or "none"
        raise MappingError(f'no events are mapped as "{name}" (mapped: {have}): run sqlscore init, or map_events')

    def artifact(self, model: str | None, mapping: str) -> Artifact:
        """The model that is meant, loaded: None is the champion, `name` the newest version, `name@version` itself."""
        stored = self._of_mapping(model, mapping)
        return self._load(stored.data, stored.sha256, stored.label, self.device)

    def finetuned(self, name: str | None, mapping: str) -> FinetunedModel:
        """The fine-tuned head that is meant: `name` is its newest version, `name@version` itself."""
        from sqlscore.scoring.label_artifact import load_head

        have = self.heads(mapping)
        known = {stored.label for stored in have} | {stored.label.rpartition("@")[0] for stored in have}
        if name not in known:
            said = ", ".join(stored.label for stored in have) or "none; run `sqlscore finetune`"
            raise ModelError(
                f'there is no fine-tuned label {name!r} for the events mapped as "{mapping}" (have: {said})'
            )
        stored = self.find(name, mapping)
        return load_head(stored.data, stored.sha256, stored.label)

    def heads(self, mapping: str) -> list[StoredModel]:
        """The newest version of every fine-tuned head of a mapping, and older ones, oldest first."""
        return [m for m in self.snapshot.models.values() if m.mapping == mapping and m.is_head]

    def base_of(self, head: FinetunedModel) -> Artifact:
        """The model whose states a head reads. Raises ModelError if it is not registered."""
        for stored in self.snapshot.models.values():
            if stored.sha256 == head.base_sha256:
                return self.artifact(stored.label, "")
        raise ModelError(
            f"{head.name} was fine-tuned on {head.manifest.config['base']}, which is not registered: import that model "
            f"(sha256 {head.base_sha256[:12]}...), or fine-tune again on another base"
        )

    def judged(self, model: str | None, mapping: str) -> Artifact:
        """As `artifact`, but the model as it was when it was judged, before it learned the test part."""
        stored = self._of_mapping(model, mapping)
        return self._load(stored.data, stored.sha256, stored.label, self.device, judged=True)

    def _of_mapping(self, model: str | None, mapping: str) -> StoredModel:
        stored = self.find(model, mapping)
        if mapping and stored.mapping != mapping:  # "": by a label that a state names
            raise ModelError(
                f'{stored.label} is a model of the events mapped as "{stored.mapping}" and does not score "{mapping}": '
                f"use one of {', '.join(self._labels(mapping)) or 'its own, after sqlscore train'}"
            )
        if stored.is_head:
            name = stored.label.rpartition("@")[0]
            raise ModelError(
                f"{stored.label} is a fine-tuned head, which answers propensity(e, '{name}') and its like alone: name "
                "a model that was trained, or none for the champion"
            )
        return stored

    def find(self, model: str | None, mapping: str) -> StoredModel:
        """The model that is meant, not loaded, of whatever mapping."""
        snapshot = self.snapshot
        if model is None:
            label = snapshot.aliases.get((mapping, "champion"))
            if label is None:
                raise ModelError(
                    f'there is no model for the events mapped as "{mapping}" yet: '
                    "run `sqlscore train` on this file, or sqlscore.train(con)"
                    if not self._labels(mapping)
                    else f'no champion is chosen for "{mapping}": promote one of {", ".join(self._labels(mapping))}'
                )
            if label not in snapshot.models:
                others = self._labels(mapping)
                raise ModelError(
                    f'the champion of "{mapping}" is {label}, which sqlscore.models does not hold any more: '
                    + (f"promote one of {', '.join(others)}" if others else "train again, or import it from a file")
                )
            return snapshot.models[label]
        label = snapshot.aliases.get((mapping, model), model)
        if label in snapshot.models:
            return snapshot.models[label]
        versions = [m for m in snapshot.models.values() if m.label.rpartition("@")[0] == model]
        if versions:
            return max(versions, key=lambda m: int(m.label.rpartition("@")[2]))
        have = ", ".join(snapshot.models) or "none; run `sqlscore train`"
        raise ModelError(f"there is no model {model!r} in this database (registered: {have})")

    def count(self, lists: int) -> None:
        """Note that so many lists were encoded."""
        with self._lock:
            self.encoded += lists

    def _labels(self, mapping: str) -> list[str]:
        """The models of a mapping that can be its champion."""
        mine = (m for m in self.snapshot.models.values() if m.mapping == mapping)
        return [m.label for m in mine if not m.is_head and not m.is_base]


def unmapped() -> Mapping:
    """What the default mapping is before the user has mapped anything."""
    return Mapping(DEFAULT_MAPPING, "", "user_id", "event_time", "event_type")


def catalog_of(key: str) -> Catalog | None:
    """The catalog of an open database by the key that its `instance` function returns."""
    return _catalogs.get(key)


_catalogs: dict[str, Catalog] = {}
