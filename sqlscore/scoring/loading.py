"""The only place that loads an artifact.

`torch.jit.load` of a file that somebody else made can run their code, so nothing is loaded whose sha256 the
caller did not get from the registry.
"""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import replace
from typing import Any

from sqlscore.errors import ArtifactError, ModelError
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.manifest import COUNTS, MODULE, judged_part, read_manifest, sha256_of
from sqlscore.scoring.module import capabilities_of
from sqlscore.scoring.older import OlderModule
from sqlscore.scoring.torchscript import without_deprecation

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


def load(data: bytes, sha256: str, name: str, device: str = "cpu") -> Artifact:
    """The artifact, loaded once per process whatever the number of connections and threads.

    Raises ArtifactError if the bytes do not have the hash that the registry holds, or cannot be loaded.
    """
    key = (sha256, device)
    with _lock:
        if key not in _loaded:
            _verify(data, sha256, name)
            try:
                _loaded[key] = _opened(data, sha256, name, device)
            except (ArtifactError, AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
                raise _damaged(name, error) from error
            except zipfile.BadZipFile as error:
                raise _damaged(name, error) from error
        found = _loaded[key]
    return Artifact(name, sha256, found.manifest, found.module, found.device, found.coalescer, found.counts)


def _opened(data: bytes, sha256: str, name: str, device: str) -> Artifact:
    manifest = read_manifest(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names, module_bytes = archive.namelist(), archive.read(MODULE)
        counts = Counts.from_bytes(archive.read(COUNTS)) if COUNTS in names else None
    if counts is not None:  # torch explains such a model, and nothing else
        return Artifact(name, sha256, manifest, Deferred(module_bytes), "cpu", None, counts)
    import torch

    from sqlscore.scoring.coalescing import Coalescer

    device = resolve_device(device)
    module: Any = module_of(module_bytes, device)
    if manifest.format < 3:
        module = OlderModule(module)
        manifest = replace(manifest, capabilities=capabilities_of(module))
    known = len(manifest.inputs.actions)
    coalescer = None if device == "cpu" else Coalescer(module, torch.device(device), known, manifest.state_size)
    return Artifact(name, sha256, manifest, module, device, coalescer)


def module_of(data: bytes, device: str) -> Any:
    """The module of an artifact whose hash was checked, ready to score."""
    import torch

    torch.set_num_threads(1)  # engine threads call at once: more inside each would only contend
    with without_deprecation():
        return torch.jit.load(io.BytesIO(data), map_location=device).eval()  # type: ignore[no-untyped-call]


class Deferred:
    """A module on the CPU that is loaded when something of it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._module: Any = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._module is None:
                self._module = module_of(self._data, "cpu")
        return getattr(self._module, name)


def _damaged(name: str, error: Exception) -> ArtifactError:
    reason = str(error).strip().partition("\n")[0]
    return ArtifactError(f"model {name}: the artifact cannot be loaded ({reason}): import it again or train again")


def load_judged(data: bytes, sha256: str, name: str, device: str = "cpu") -> Artifact:
    """The model as it was when it was judged: before it learned the test part, if it learned that at all.

    Raises ArtifactError as `load` does.
    """
    _verify(data, sha256, name)
    judged = judged_part(data)
    return load(data, sha256, name, device) if judged is None else load(judged, sha256_of(judged), name, device)


def _verify(data: bytes, sha256: str, name: str) -> None:
    actual = sha256_of(data)
    if actual != sha256:
        raise ArtifactError(
            f"model {name}: the stored artifact has sha256 {actual}, the registry says {sha256}; "
            "it was changed or damaged and is not loaded: import it again or train again"
        )
