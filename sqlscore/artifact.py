"""An artifact: a TorchScript module and its JSON manifest in one byte string; the only place that loads one.

`torch.jit.load` of a file that somebody else made can run their code, so nothing is loaded whose sha256 the
caller did not get from the registry.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import threading
import warnings
import zipfile
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sqlscore.batch import Batch, encode_sequences, unknown_counts
from sqlscore.errors import ArtifactError, ModelError
from sqlscore.events import NO_TIME, US_PER_SECOND, Inputs
from sqlscore.sequences import Sequences

FORMAT = 1
SURE = 1e-4
_MANIFEST = "manifest.json"
_MODULE = "module.pt"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Manifest:
    """What a model reads and what it can answer. `heads` ⊆ {next_action, time_to_next, churn}."""

    architecture: str
    config: dict[str, Any]
    inputs: Inputs
    heads: tuple[str, ...]
    state_size: int  # S: floats of a state
    embedding_size: int  # D: floats of a user's representation
    fold: bool  # a state can be advanced with new events alone
    max_events: int | None  # the newest events that are read; None: all (always so for folds)
    horizon_seconds: float | None  # of the churn label
    lookback_seconds: float | None
    trained_from: str  # ISO 8601, UTC
    trained_to: str
    notes: dict[str, Any] = field(default_factory=dict)  # sampling, splits, why a head is missing
    metrics: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> str:
        """The manifest as it stands in the artifact, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """The inverse. Raises ArtifactError where the format is another one."""
        fields: dict[str, Any] = json.loads(text)
        if fields.get("format") != FORMAT:
            raise ArtifactError(
                f"artifact format {fields.get('format')!r} is not {FORMAT}, which this sqlscore reads: train again"
            )
        inputs = fields["inputs"]
        fields["inputs"] = Inputs(
            tuple(inputs["actions"]),
            {name: tuple(values) for name, values in inputs["categorical"].items()},
            tuple(inputs["numeric"]),
        )
        fields["heads"] = tuple(fields["heads"])
        return cls(**fields)


@dataclass(frozen=True)
class States:
    """N users' states: what `encode` returns, what heads read, and what an incremental refresh stores."""

    hidden: torch.Tensor  # float32 (N, S)
    clock: torch.Tensor  # int64 (N, 2): first and last event, µs since 1970 UTC, NO_TIME without times
    n_events: npt.NDArray[np.int64]  # (N,)
    n_unknown: npt.NDArray[np.int64]  # (N,)

    def __len__(self) -> int:
        return int(self.hidden.shape[0])


def pack(module: bytes, manifest: Manifest) -> bytes:
    """The artifact as bytes; the same input gives the same bytes, hence the same sha256."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), manifest.to_json())
        archive.writestr(zipfile.ZipInfo(_MODULE, _EPOCH), module)
    return buffer.getvalue()


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


class Artifact:
    """A loaded model: immutable, and safe to call from several threads at once.

    name: how it is reported, `name@version`.
    """

    def __init__(self, name: str, sha256: str, manifest: Manifest, module: Any, device: torch.device) -> None:
        self.name = name
        self.sha256 = sha256
        self.manifest = manifest
        self.module = module
        self.device = device

    def encode(self, sequences: Sequences, states: States | None = None) -> States:
        """Sequences -> states; with `states`, each is advanced by the new events of its sequence (folds only)."""
        return self.encode_prepared(sequences, self.batch(sequences), states)

    def batch(self, sequences: Sequences) -> Batch:
        """The tensors that this model reads of the sequences: its newest `max_events`, by its vocabularies."""
        if self.manifest.max_events is not None:
            sequences = sequences.newest(self.manifest.max_events)
        return encode_sequences(sequences, self.manifest.inputs)

    def encode_prepared(self, sequences: Sequences, batch: Batch, states: States | None = None) -> States:
        """As `encode`, where `batch(sequences)` is there already."""
        if states is not None and not self.manifest.fold:
            raise ModelError(f"{self.name} ({self.manifest.architecture}) is not a fold: its states cannot be advanced")
        counts, unknown = sequences.lengths, unknown_counts(batch, self.manifest.inputs)
        hidden, clock = self.encode_batch(batch, states)
        if states is not None:
            counts, unknown = counts + states.n_events, unknown + states.n_unknown
        return States(hidden, clock, counts, unknown)

    def encode_each(self, sequences: Sequences) -> States:
        """The state after every event, each from the events up to it alone: T rows in the order of the events."""
        self.require_causal()
        batch = encode_sequences(sequences, self.manifest.inputs)
        with torch.inference_mode():
            hidden, clock = self.module.encode_each(*batch.to(self.device).tensors(), None, None)
        starts = np.repeat(sequences.offsets[:-1], sequences.lengths)
        unknown = np.append(0, np.cumsum(batch.categories[:, 0].numpy() > len(self.manifest.inputs.actions)))
        position = np.arange(len(starts))
        return States(hidden.cpu(), clock.cpu(), position + 1 - starts, unknown[position + 1] - unknown[starts])

    def require_causal(self) -> None:
        """Raises ModelError where the state after an event cannot be had on the way, in one pass."""
        if not hasattr(self.module, "encode_each") or self.manifest.max_events is not None:
            raise ModelError(
                f"{self.name} ({self.manifest.architecture}) reads a window or both directions, so it has no state "
                "after every event: use a fold such as gru, or the functions with OVER"
            )

    def encode_batch(self, batch: Batch, states: States | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Ragged tensors -> (hidden float32 (N, S), clock int64 (N, 2)) on the CPU."""
        tensors = batch.to(self.device).tensors()
        with torch.inference_mode():
            if states is None:
                hidden, clock = self.module.encode(*tensors, None, None)
            else:
                hidden, clock = self.module.encode(
                    *tensors, states.hidden.to(self.device), states.clock.to(self.device)
                )
        return hidden.cpu(), clock.cpu()

    def probabilities(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> (N, V) calibrated probabilities of the next action, in the order of `inputs.actions`."""
        with torch.inference_mode():
            logits: torch.Tensor = self.module.next_logits(hidden.to(self.device))
        return torch.softmax(logits, 1).cpu()

    def seconds(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> float64 (N,) predicted median of the seconds from the last event to the next."""
        with torch.inference_mode():
            seconds: torch.Tensor = self.module.seconds(hidden.to(self.device))
        return seconds.double().cpu()

    def churn(self, hidden: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor) -> torch.Tensor:
        """(N, S), (N, 2), int64 (N,) µs -> float32 (N,) calibrated probability of no event within the horizon.

        Training saw nobody who had been silent for longer than the lookback. Beyond it the chance of return at the
        lookback shrinks in proportion to the silence, so that the risk goes on rising instead of following the head
        where it knows nothing. Probabilities keep SURE away from 0 and 1, which no finite sample can promise.
        """
        silence = (as_of.double() - clock[:, 1].double()) / US_PER_SECOND
        lookback = self.manifest.lookback_seconds or math.inf
        elapsed = silence.clamp(max=lookback)
        with torch.inference_mode():
            risk: torch.Tensor = self.module.churn(hidden.to(self.device), elapsed.to(self.device)).double().cpu()
        returns = (1 - risk) * (elapsed / silence).nan_to_num(1.0)
        return (1 - returns).clamp(SURE, 1 - SURE).float()

    def embed(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> float32 (N, D): the users' representations."""
        with torch.inference_mode():
            vectors: torch.Tensor = self.module.embed(hidden.to(self.device))
        return vectors.cpu()

    def require(self, head: str) -> None:
        """Raises ModelError, with the reason that training gave, where the model lacks this head."""
        if head not in self.manifest.heads:
            reason = self.manifest.notes.get(f"no_{head}", "it was trained without it")
            raise ModelError(f"model {self.name} has no {head} head: {reason}")


_loaded: dict[tuple[str, str], tuple[Manifest, Any]] = {}
_lock = threading.Lock()


def resolve_device(device: str) -> str:
    """ "auto" is CUDA where there is one. Raises ModelError where CUDA is asked for and absent."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError('device="cuda" was asked for, and torch finds no CUDA device: connect with device="auto"')
    return device


def load(data: bytes, sha256: str, name: str, device: str = "cpu") -> Artifact:
    """The artifact, loaded once per process whatever the number of connections and threads.

    Raises ArtifactError where the bytes do not have the hash that the registry holds.
    """
    device = resolve_device(device)
    key = (sha256, device)
    with _lock:
        if key not in _loaded:
            found = sha256_of(data)
            if found != sha256:
                raise ArtifactError(
                    f"model {name}: the stored artifact has sha256 {found}, the registry says {sha256}; "
                    "it was changed or damaged and is not loaded: import it again or train again"
                )
            manifest = read_manifest(data)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                module_bytes = archive.read(_MODULE)
            torch.set_num_threads(1)  # engine threads call at once: more inside each would only contend
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
                module = torch.jit.load(io.BytesIO(module_bytes), map_location=device)  # type: ignore[no-untyped-call]
            _loaded[key] = (manifest, module.eval())
        manifest, module = _loaded[key]
    return Artifact(name, sha256, manifest, module, torch.device(device))


def without_times(clock: torch.Tensor) -> torch.Tensor:
    """(N, 2) -> bool (N,): states that came from plain lists of actions."""
    return clock[:, 1] == NO_TIME
