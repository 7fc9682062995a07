"""An artifact: what a model says of itself and its weights, in one byte string that holds no code.

A zip file, not compressed, with fixed times: `manifest.json`; `weights.safetensors`; and if the model learned the test
part after it was judged, `judged.zip`, the artifact of the model as it was then. docs/stored-format.md describes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlscore.errors import ArtifactError
from sqlscore.events.inputs import Inputs
from sqlscore.scoring.horizons import Horizon
from sqlscore.scoring.manifest_fields import check_fields
from sqlscore.scoring.torchscript import zipped

FORMAT = 4
"""The first format that holds no code; in those before, a model is TorchScript."""
WEIGHTS = "weights.safetensors"
_MANIFEST = "manifest.json"
_JUDGED = "judged.zip"
_OF_FORMAT = {_MANIFEST, WEIGHTS, _JUDGED}
UNREADABLE = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, struct.error, zlib.error)
"""What zipfile raises of files that are damaged, encrypted or of a kind that it does not know."""


@dataclass(frozen=True)
class Manifest:
    """What a model reads and what it can answer. `heads` ⊆ {next_action, time_to_next, churn}."""

    architecture: str
    config: dict[str, Any]
    inputs: Inputs
    heads: tuple[str, ...]
    capabilities: tuple[str, ...]  # which of `module.CAPABILITIES` the module has
    state_size: int  # S: floats of a state
    embedding_size: int  # D: floats of a user's representation
    fold: bool  # a state can be advanced with new events alone
    max_events: int | None  # the newest events that are read; None: all (always so for folds)
    horizon_seconds: float | None  # of the churn label
    lookback_seconds: float | None
    trained_from: str  # ISO 8601, UTC
    trained_to: str
    horizons: tuple[Horizon, ...] = ()  # shorter ones that the churn head answers for, rising
    decision_weights: tuple[float, ...] | None = None  # (V,) of each action when the next one is chosen; None: all 1
    notes: dict[str, Any] = field(default_factory=dict)  # sampling, splits, why a head is missing
    metrics: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def active_within(self) -> float | None:
        """Seconds since the last event in which a user is active: others have lapsed, and have no churn label.

        Infinity if everyone ever seen has a label, None if the model does not predict churn.
        """
        if "churn" not in self.heads:
            return None
        return math.inf if self.lookback_seconds is None else self.lookback_seconds

    def to_json(self) -> str:
        """The manifest as it stands in the artifact. Keys keep their order: that of the categories is the module's."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """The inverse. Raises ArtifactError if the format is not one that this version reads, or a field is none."""
        try:
            fields: dict[str, Any] = json.loads(text)
        except RecursionError as error:
            raise ArtifactError("its manifest is nested too deeply") from error
        found = fields.get("format") if isinstance(fields, dict) else None
        if isinstance(found, int) and found > FORMAT:
            raise ArtifactError(f"its format is newer than {FORMAT}, which this sqlscore reads: update sqlscore")
        if found not in (1, 2, 3, FORMAT) or isinstance(found, bool):
            raise ArtifactError(f"artifact format {found!r} is not {FORMAT}, which this sqlscore reads: train again")
        if found == FORMAT:
            check_fields(fields)
            _require_storable(fields)
        inputs = fields["inputs"]
        if found == 1 and len(inputs["categorical"]) > 1:
            raise ArtifactError(
                "artifact format 1 lost the order of the categorical columns, by which a model reads them: train again"
            )
        fields["inputs"] = Inputs(
            tuple(inputs["actions"]),
            {name: tuple(values) for name, values in inputs["categorical"].items()},
            tuple(inputs["numeric"]),
            dict(inputs.get("sorts", {})),
        )
        fields["heads"] = tuple(fields["heads"])
        fields["horizons"] = tuple(Horizon(h["seconds"], tuple(h["weights"])) for h in fields.get("horizons", ()))
        weights = fields.get("decision_weights")
        fields["decision_weights"] = None if weights is None else tuple(weights)
        fields["capabilities"] = tuple(fields.get("capabilities", ()))  # of an older format: `load` asks the module
        return cls(**fields)


def _require_storable(fields: dict[str, Any]) -> None:
    """Raises ArtifactError for half of a character and for a number that is none, which no database would take."""
    try:
        json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()
    except (RecursionError, ValueError) as error:
        raise ArtifactError(f"its manifest holds what cannot be stored: {error}") from error


def pack(weights: bytes, manifest: Manifest, judged: bytes | None = None) -> bytes:
    """The artifact as bytes; the same input gives the same bytes, hence the same sha256.

    Args:
        weights: What `weights.write_weights` made.
        manifest: What the model says of itself.
        judged: The artifact of the model as it was before it learned the test part, None if it did not.
    """
    members = [(_MANIFEST, manifest.to_json().encode()), (WEIGHTS, weights)]
    return zipped(members if judged is None else [*members, (_JUDGED, judged)])


def members_of(data: bytes, allowed: Iterable[str] = _OF_FORMAT, needed: str = WEIGHTS) -> dict[str, bytes]:
    """The files in an artifact of format 4, or in another zip file of ours.

    Args:
        data: The zip file.
        allowed: The names that it may hold.
        needed: One that it must.

    Raises ArtifactError if there is one that it cannot have, or that is compressed.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if len(set(names)) < len(names) or needed not in names or not set(names) <= set(allowed):
            raise ArtifactError(f"it holds {', '.join(map(repr, names[:9]))}, and not {' and '.join(sorted(allowed))}")
        _require_plain(infos, len(data))
        return {info.filename: archive.read(info) for info in infos}


def _require_plain(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Raises ArtifactError if a file would be larger than the artifact, as a compressed one can be."""
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
            raise ArtifactError(f"it holds {info.filename!r} compressed, which no artifact does")


def judged_part(data: bytes) -> bytes | None:
    """The artifact of the model as it was before it learned the test part; None if it did not learn that."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(_JUDGED) if _JUDGED in archive.namelist() else None


def sha256_of(data: bytes) -> str:
    """The hash of an artifact, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_manifest(data: bytes) -> Manifest:
    """The manifest alone: runs no code of the artifact.

    Raises ArtifactError if it has none, or one that is not sound.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.getinfo(_MANIFEST)
            _require_plain([info], len(data))
            return Manifest.from_json(archive.read(info))
    except ArtifactError:
        raise
    except (*UNREADABLE, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"this is not a sqlscore artifact, or a damaged one: {error}") from error
