"""Artifacts -> models that score; the only place that loads one.

An artifact holds no code: the module is built here from what its manifest says, and takes its numbers. Those of
formats 1 to 3 are TorchScript, which is code: they are loaded if their sha256 is the one that the registry holds.
"""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from sqlscore.errors import ArtifactError, ModelError
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.manifest import (
    FORMAT,
    UNREADABLE,
    WEIGHTS,
    Manifest,
    judged_part,
    members_of,
    read_manifest,
    sha256_of,
)
from sqlscore.scoring.module import capabilities_of
from sqlscore.scoring.older import OlderModule
from sqlscore.scoring.torchscript import without_deprecation
from sqlscore.scoring.weights import Weights, read_weights

_MODULE, _COUNTS = "module.pt", "counts.npz"  # of formats before 4
_COUNTED = ("markov", UNTRAINED)

_WHAT_FAILS = (*UNREADABLE, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a file that is no artifact makes of building a module."""

_loaded: dict[tuple[str, str], Artifact] = {}
_lock = threading.Lock()


def resolve_device(device: str) -> str:
    """The device of this name; "auto" is CUDA if torch finds one. Raises ModelError if CUDA is named and absent."""
    if device == "cpu":
        return device
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not torch.cuda.is_available():
        raise ModelError('device="cuda" was asked for, and torch finds no CUDA device: connect with device="auto"')
    return device


def load(data: bytes, sha256: str, name: str, device: str = "cpu", *, judged: bool = False) -> Artifact:
    """The artifact, loaded once per process whatever the number of connections and threads.

    Args:
        data: Its bytes.
        sha256: What the registry says.
        name: How it is reported, `name@version`.
        device: Where it computes.
        judged: The model as it was when it was judged: before it learned the test part, if it learned that at all.

    Raises ArtifactError if the bytes do not have the hash that the registry holds, or cannot be loaded.
    """
    key = (sha256, device)
    if judged:
        _verify(data, sha256, name)
        part = judged_part(data)
        if part is not None:
            return load(part, sha256_of(part), name, device)
    with _lock:
        if key not in _loaded:
            _verify(data, sha256, name)
            try:
                _loaded[key] = _opened(data, sha256, name, device)
            except (ArtifactError, *_WHAT_FAILS) as error:
                raise _damaged(name, error) from error
        found = _loaded[key]
    return Artifact(name, sha256, found.manifest, found.module, found.device, found.coalescer, found.counts)


def load_judged(data: bytes, sha256: str, name: str, device: str = "cpu") -> Artifact:
    """As `load` with `judged`."""
    return load(data, sha256, name, device, judged=True)


def _opened(data: bytes, sha256: str, name: str, device: str) -> Artifact:
    manifest = read_manifest(data)
    make, counts = (_older if manifest.format < FORMAT else _present)(data, manifest)
    if counts is not None:  # torch explains such a model, and nothing else
        return Artifact(name, sha256, manifest, Deferred(make), "cpu", None, counts)
    import torch

    from sqlscore.scoring.coalescing import Coalescer

    device = resolve_device(device)
    module = make(device)
    if manifest.format < 3:
        manifest = replace(manifest, capabilities=capabilities_of(module))
    known = len(manifest.inputs.actions)
    coalescer = None if device == "cpu" else Coalescer(module, torch.device(device), known, manifest.state_size)
    return Artifact(name, sha256, manifest, module, device, coalescer)


def _present(data: bytes, manifest: Manifest) -> tuple[Callable[[str], Any], Counts | None]:
    """What makes the module, and the model as tables if it is no more than that."""
    weights = read_weights(members_of(data)[WEIGHTS])
    counts = counts_of(weights, manifest)
    if manifest.architecture == UNTRAINED and counts is not None:
        return partial(_module_of_counts, counts), counts
    return lambda device: _built(weights, manifest, device), counts


def of_counts(name: str, sha256: str, manifest: Manifest, counts: Counts) -> Artifact:
    """An artifact of tables alone, see `Artifact` for the arguments."""
    return Artifact(name, sha256, manifest, Deferred(partial(_module_of_counts, counts)), "cpu", None, counts)


def _module_of_counts(counts: Counts, device: str) -> Any:  # noqa: ARG001 - tables stay where they are
    from sqlscore.scoring.counts_module import CountsModule

    return CountsModule(counts)


def counts_of(weights: Weights, manifest: Manifest) -> Counts | None:
    """The model as tables that are read without torch; None if it is more than that."""
    if manifest.architecture not in _COUNTED:
        return None
    known = len(manifest.inputs.actions)
    counted = manifest.embedding_size - 1
    if not 0 <= counted <= known:
        raise ArtifactError(f"its manifest says embedding_size = {manifest.embedding_size} of {known} actions")
    counts = Counts.of_weights(weights, known, counted)
    if manifest.state_size != counts.state_size or ("churn" in manifest.heads) != (counts.recency is not None):
        raise ArtifactError(
            f"its manifest says state_size = {manifest.state_size}, and its tables hold other states or heads"
        )
    return counts


def _built(weights: Weights, manifest: Manifest, device: str) -> Any:
    """The module, ready to score, compiled once that pays."""
    import torch

    from sqlscore.models.compiled import SoonCompiled
    from sqlscore.models.stored import module_of

    torch.set_num_threads(1)  # engine threads call at once: more inside each would only contend
    return SoonCompiled(module_of(weights, manifest).to(device))


def _older(data: bytes, manifest: Manifest) -> tuple[Callable[[str], Any], Counts | None]:
    """The same of an artifact of format 1 to 3, whose hash was checked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        module_bytes = archive.read(_MODULE)
        counts = Counts.from_bytes(archive.read(_COUNTS)) if _COUNTS in archive.namelist() else None

    def make(device: str) -> Any:
        import torch

        torch.set_num_threads(1)
        with without_deprecation():
            module = torch.jit.load(io.BytesIO(module_bytes), map_location=device).eval()  # type: ignore[no-untyped-call]
        return OlderModule(module) if manifest.format < 3 else module

    return make, counts


class Deferred:
    """A module on the CPU that is made when something of it is asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._module: Any = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._module is None:
                self._module = self._make("cpu")
        return getattr(self._module, name)


def _damaged(name: str, error: Exception) -> ArtifactError:
    reason = str(error).strip().partition("\n")[0]
    return ArtifactError(f"model {name}: the artifact cannot be loaded ({reason}): import it again or train again")


def _verify(data: bytes, sha256: str, name: str) -> None:
    actual = sha256_of(data)
    if actual != sha256:
        raise ArtifactError(
            f"model {name}: the stored artifact has sha256 {actual}, the registry says {sha256}; "
            "it was changed or damaged and is not loaded: import it again or train again"
        )
