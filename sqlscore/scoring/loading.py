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

import torch

from sqlscore.errors import ArtifactError, ModelError
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.coalescing import Coalescer
from sqlscore.scoring.manifest import MODULE, Manifest, judged_part, read_manifest, sha256_of
from sqlscore.scoring.module import Module, capabilities_of
from sqlscore.scoring.older import OlderModule
from sqlscore.scoring.torchscript import without_deprecation

_loaded: dict[tuple[str, str], tuple[Manifest, Module, Coalescer | None]] = {}
_lock = threading.Lock()


def resolve_device(device: str) -> str:
    """The device of this name; "auto" is CUDA if torch finds one. Raises ModelError if CUDA is named and absent."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError('device="cuda" was asked for, and torch finds no CUDA device: connect with device="auto"')
    return device


def load(data: bytes, sha256: str, name: str, device: str = "cpu") -> Artifact:
    """The artifact, loaded once per process whatever the number of connections and threads.

    Raises ArtifactError if the bytes do not have the hash that the registry holds, or cannot be loaded.
    """
    device = resolve_device(device)
    key = (sha256, device)
    with _lock:
        if key not in _loaded:
            _verify(data, sha256, name)
            torch.set_num_threads(1)  # engine threads call at once: more inside each would only contend
            try:
                manifest = read_manifest(data)
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    module_bytes = archive.read(MODULE)
                with without_deprecation():
                    module: Any = torch.jit.load(io.BytesIO(module_bytes), map_location=device).eval()  # type: ignore[no-untyped-call]
                if manifest.format < 3:
                    module = OlderModule(module)
                    manifest = replace(manifest, capabilities=capabilities_of(module))
            except (ArtifactError, AttributeError, KeyError, OSError, RuntimeError, zipfile.BadZipFile) as error:
                reason = str(error).strip().partition("\n")[0]
                raise ArtifactError(
                    f"model {name}: the artifact cannot be loaded ({reason}): import it again or train again"
                ) from error
            on = torch.device(device)
            known = len(manifest.inputs.actions)
            coalescer = None if on.type == "cpu" else Coalescer(module, on, known, manifest.state_size)
            _loaded[key] = (manifest, module, coalescer)
        manifest, module, coalescer = _loaded[key]
    return Artifact(name, sha256, manifest, module, torch.device(device), coalescer)


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
