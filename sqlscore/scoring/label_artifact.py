"""The artifact of a fine-tuned head: its numbers, and a manifest that names the base model whose states it reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlscore.errors import ArtifactError
from sqlscore.events.inputs import Inputs
from sqlscore.scoring.catalog import HEAD
from sqlscore.scoring.label_head import KINDS, Head, Kind
from sqlscore.scoring.manifest import UNREADABLE, Manifest, members_of, read_manifest, sha256_of
from sqlscore.scoring.torchscript import zipped
from sqlscore.times import iso

if TYPE_CHECKING:
    from sqlscore.scoring.artifact import Artifact

_NUMBERS = "head.npz"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class LabelRates:
    """What is usual among the labels that were learned. shares: of each class, or of no and yes, or of 0 and more."""

    shares: tuple[float, ...]
    mean: float | None  # of numbers

    def to_json(self) -> dict[str, Any]:
        """As it stands in a manifest's notes."""
        return {"shares": list(self.shares), **({} if self.mean is None else {"mean": self.mean})}


@dataclass(frozen=True)
class FinetunedModel:
    """A head as the registry has it, with the base model that it needs."""

    name: str  # name@version
    sha256: str
    manifest: Manifest
    head: Head
    rates: LabelRates | None  # None: its manifest does not say, as that of an uplift and those of before

    @property
    def base_sha256(self) -> str:
        """The hash of the model whose states the head reads."""
        return str(self.manifest.config["base_sha256"])


def head_manifest(
    base: Artifact,
    head: Head,
    config: dict[str, Any],
    *,
    trained: tuple[int, int],
    notes: dict[str, Any],
    metrics: dict[str, Any],
) -> Manifest:
    """What stands in the artifact of a head.

    Args:
        base: The model whose states it reads.
        head: The head.
        config: How it was learned.
        trained: µs, the first and the last moment of what it learned.
        notes: What it learned from.
        metrics: How good it is, and the verdict.
    """
    return Manifest(
        architecture=HEAD,
        config={
            "kind": head.kind,
            "values": list(head.values),
            "base": base.name,
            "base_sha256": base.sha256,
            **config,
        },
        inputs=Inputs((), {}, ()),
        heads=("label",),
        capabilities=(),
        state_size=base.manifest.state_size,
        embedding_size=0,
        fold=False,
        max_events=None,
        horizon_seconds=None,
        lookback_seconds=None,
        trained_from=iso(trained[0]),
        trained_to=iso(trained[1]),
        notes=notes,
        metrics=metrics,
    )


def pack_head(head: Head, manifest: Manifest) -> bytes:
    """The artifact of a head; the same input gives the same bytes."""
    return zipped([(_MANIFEST, manifest.to_json().encode()), (_NUMBERS, head.to_bytes())])


@dataclass(frozen=True)
class Fitted:
    """A head, and its base if that was tuned for it: an artifact that nobody has registered yet."""

    head: Head
    manifest: Manifest
    base: bytes | None = None

    def artifact(self, base: str | None = None) -> bytes:
        """The head's artifact. base: what its base was registered as, name@version."""
        config = self.manifest.config | ({} if base is None else {"base": base})
        return pack_head(self.head, replace(self.manifest, config=config))


@lru_cache(maxsize=64)
def load_head(data: bytes, sha256: str, name: str) -> FinetunedModel:
    """The head in an artifact. Runs no code of the artifact, and needs no torch.

    Raises ArtifactError if it has not the hash that the registry holds, or cannot be read.
    """
    found = sha256_of(data)
    if found != sha256:
        raise ArtifactError(
            f"model {name}: the stored artifact has sha256 {found}, the registry says {sha256}; it was changed or "
            "damaged and is not loaded: import it again or finetune again"
        )
    try:
        numbers = members_of(data, (_MANIFEST, _NUMBERS), _NUMBERS)[_NUMBERS]
        manifest = read_manifest(data)
        kind, values = cast("Kind", manifest.config["kind"]), tuple(manifest.config["values"])
        if kind not in KINDS or not all(isinstance(value, str) for value in values):
            raise ArtifactError(f"its label is {str(kind)[:40]!r}, which is none of {', '.join(KINDS)}")
        head = Head.from_bytes(numbers, kind, values)
        return FinetunedModel(name, sha256, manifest, head, _rates(manifest.notes, head))
    except (ArtifactError, *UNREADABLE, AttributeError, KeyError, ValueError, TypeError) as error:
        raise ArtifactError(f"model {name}: the head cannot be loaded ({error}): finetune again") from error


def _rates(notes: dict[str, Any], head: Head) -> LabelRates | None:
    """Raises ArtifactError, or what reading something else raises, if they are not those of such a label."""
    noted = notes.get("base_rates")
    if noted is None or head.kind == "uplift":
        return None
    shares = tuple(float(share) for share in noted["shares"])
    mean = float(noted["mean"]) if head.kind in ("count", "amount") else None
    n_values = len(head.values) if head.kind == "classes" else 2
    if len(shares) != n_values or not all(map(math.isfinite, (*shares, mean or 0.0))):
        raise ArtifactError(f"its base rates are not those of a label that is {head.kind!r}")
    return LabelRates(shares, mean)
