"""What an artifact holds beside its module: the manifest, and how both are packed into one byte string."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlscore.errors import ArtifactError
from sqlscore.events.inputs import Inputs
from sqlscore.scoring.torchscript import zipped

FORMAT = 3
MODULE = "module.pt"
_MANIFEST = "manifest.json"
COUNTS = "counts.npz"
_JUDGED = "judged.zip"


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
        """The inverse. Raises ArtifactError if the format is not one that this version reads."""
        fields: dict[str, Any] = json.loads(text)
        found = fields.get("format")
        if found not in (1, 2, FORMAT):
            raise ArtifactError(f"artifact format {found!r} is not {FORMAT}, which this sqlscore reads: train again")
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
        weights = fields.get("decision_weights")
        fields["decision_weights"] = None if weights is None else tuple(weights)
        fields["capabilities"] = tuple(fields.get("capabilities", ()))  # of an older format: `load` asks the module
        return cls(**fields)


def pack(module: bytes, manifest: Manifest, judged: bytes | None = None, counts: bytes | None = None) -> bytes:
    """The artifact as bytes; the same input gives the same bytes, hence the same sha256.

    Args:
        module: TorchScript.
        manifest: What it says of itself.
        judged: The artifact of the model as it was before it learned the test part, None if it did not.
        counts: The model as a `counts.Counts`, None if it is more than that.
    """
    members = [(_MANIFEST, manifest.to_json().encode()), (MODULE, module)]
    members += [(COUNTS, counts)] if counts is not None else []
    return zipped(members if judged is None else [*members, (_JUDGED, judged)])


def judged_part(data: bytes) -> bytes | None:
    """The artifact of the model as it was before it learned the test part; None if it did not learn that."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(_JUDGED) if _JUDGED in archive.namelist() else None


def sha256_of(data: bytes) -> str:
    """The hash of an artifact, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_manifest(data: bytes) -> Manifest:
    """The manifest alone: runs no code of the artifact."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return Manifest.from_json(archive.read(_MANIFEST))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise ArtifactError(f"this is not a sqlscore artifact, or a damaged one: {error}") from error
