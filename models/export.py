"""A model for other runtimes: as TorchScript, as ONNX, or as its weights with its manifest beside them."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from typing import Any

import torch
from safetensors.numpy import save
from torch import nn

from sqlscore.errors import ArtifactError, ModelError
from sqlscore.models.frozen import freeze
from sqlscore.models.loading import counts_of
from sqlscore.models.onnx.whole import counts_to_onnx, to_onnx
from sqlscore.models.stored import module_of
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.manifest import FORMAT, WEIGHTS, members_of, read_manifest
from sqlscore.scoring.torchscript import without_deprecation, zipped
from sqlscore.scoring.weights import read_weights

MANIFEST = "manifest.json"
"""Under what name the manifest stands in an exported file, beside the model."""

_CONSTANTS = re.compile(rb"(?:^  \w+ : Final\[.*\n){2,}", re.MULTILINE)


def exported(data: bytes, label: str, kind: str) -> bytes:
    """An artifact in another format.

    Args:
        data: The artifact, whose hash was checked.
        label: What the model is called.
        kind: "torchscript": a file for `torch.jit.load`, the manifest among its extra files. "safetensors": the
            weights, the manifest in the header's metadata. "onnx": a graph, the manifest in its metadata.

    Raises ArtifactError if the model is of an older format, or cannot be built, ModelError if it is not written in that
    format.
    """
    manifest = read_manifest(data)
    if manifest.format < FORMAT:
        raise ArtifactError(
            f"{label} is of format {manifest.format}, which is exported as it is alone: train again, or leave out "
            "the format"
        )
    weights = read_weights(members_of(data)[WEIGHTS])
    if kind == "safetensors":
        return save(dict(weights), {MANIFEST: manifest.to_json()})
    beside = {MANIFEST: manifest.to_json()}
    if kind == "onnx":
        counts = counts_of(weights, manifest)
        if counts is not None:
            return counts_to_onnx(counts, manifest, beside)
        return to_onnx(module_of(weights, manifest), manifest, beside)
    if manifest.architecture == UNTRAINED:
        raise ModelError(
            f"{label} is tables of counts, of which there is no module of torch: export it as onnx or safetensors"
        )
    return to_torchscript(module_of(weights, manifest), beside)


def to_torchscript(model: nn.Module, beside: dict[str, str] | None = None) -> bytes:
    """The model in scoring mode as a TorchScript file; the same model gives the same bytes. It is left as it is.

    beside: texts that `torch.jit.load` hands out as `_extra_files`, by their names.
    """
    buffer = io.BytesIO()
    with without_deprecation():
        torch.jit.save(script(model), buffer, _extra_files=beside or {})
    return _canonical(buffer.getvalue())


def script(model: nn.Module) -> Any:
    """The model in scoring mode as a scripted module, its constant tables filled."""
    with without_deprecation():
        return torch.jit.script(freeze(copy.deepcopy(model)))


def _canonical(data: bytes) -> bytes:
    """The same TorchScript file without what depends on who wrote it.

    Left out: source positions, which hold paths of this machine, and a random id. Put in order: a class's
    constants, which follow Python's hash seed. What remains are the numbers that torch appends to class names it has
    used before: training something else first in the same process changes them, and nothing else.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    kept = {name: content for name, content in files.items() if not name.endswith((".debug_pkl", "/serialization_id"))}
    for name, content in kept.items():
        if name.endswith(".py"):
            kept[name] = _CONSTANTS.sub(lambda block: b"".join(sorted(block[0].splitlines(keepends=True))), content)
    return zipped(sorted(kept.items()))
