"""A model as weights, and back: the module is built from its architecture and configuration, never from code."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sqlscore.errors import ArtifactError
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.back_off import BackOff
from sqlscore.models.config import ModelConfig, check_config
from sqlscore.models.frozen import COMPUTED, freeze
from sqlscore.models.inputs.action_graph import GraphEmbedding
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.module import capabilities_of
from sqlscore.scoring.tables import Tables
from sqlscore.scoring.weights import Weights, write_weights

_OF_INPUTS = ("ngram_values", "ngram_starts", "category_starts", "log_gap", "week", "rates")
"""Buffers that follow from the manifest."""
_EDGES = ("sources", "targets", "shares")
_TABLES = "counts."


def to_weights(model: nn.Module) -> bytes:
    """All that training has learned or counted, as `weights.write_weights` writes it."""
    kept = {
        name: tensor.detach().cpu().numpy()
        for name, tensor in _tensors(model).items()
        if not name.startswith(_TABLES) and name.rpartition(".")[2] not in (*COMPUTED, *_OF_INPUTS)
    }
    return write_weights({**kept, **_tables_of(model).to_weights(_TABLES)})


def module_of(weights: Weights, manifest: Manifest) -> Any:
    """The module that a manifest describes, with these weights, ready to score on the CPU.

    Raises ArtifactError if the manifest describes none, or if the weights are not those of such a module.
    """
    family = ARCHITECTURES.get(manifest.architecture)
    if family is None:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ArtifactError(f'its architecture "{manifest.architecture}" is none that this sqlscore has ({known})')
    model: Any = family.build(check_config(manifest.config, manifest.architecture), manifest.inputs)
    _fill(model, weights, len(manifest.inputs.actions))
    freeze(model)
    _compare(manifest, {
        "state_size": model.state_size,
        "embedding_size": getattr(model, "embedding_size", manifest.config.get("width", ModelConfig.width)),
        "fold": family.fold,
        "max_events": family.max_events,
        "capabilities": capabilities_of(model),
    })  # fmt: skip
    return model


def _compare(manifest: Manifest, facts: dict[str, Any]) -> None:
    """Raises ArtifactError if the manifest says otherwise."""
    for name, actual in facts.items():
        said = getattr(manifest, name)
        if said != actual:
            raise ArtifactError(f"its manifest says {name} = {said}, its architecture and config say {actual}")


def _fill(model: Any, weights: Weights, known: int) -> None:
    """Give a new model the weights."""
    counts: BackOff = model.counts
    tables = Tables.of_weights(weights, _TABLES, known)
    if tables.order > counts.order:
        raise ArtifactError(f'its weights "{_TABLES}settings" say order {tables.order}, its states hold {counts.order}')
    counts.prior, counts.network_weight = tables.prior, tables.network_weight
    counts.order, counts.ends = tables.order, list(tables.ends)
    for name in ("context", "start", "total", "action", "count", "share"):
        setattr(counts, name, torch.tensor(getattr(tables, name)))
    rest = {name: array for name, array in weights.items() if not name.startswith(_TABLES)}
    extra = {name for name in weights if name.startswith(_TABLES)} - set(tables.to_weights(_TABLES))
    if isinstance(getattr(model, "embedding", None), GraphEmbedding):
        _connect(model.embedding, {name: rest.pop(f"embedding.{name}", None) for name in _EDGES}, known)
    for name, tensor in _tensors(model).items():
        if name.startswith(_TABLES) or name.rpartition(".")[2] in (*COMPUTED, *_OF_INPUTS, *_EDGES):
            continue
        array = rest.pop(name, None)
        if array is None:
            raise ArtifactError(f'its weights "{name}" are missing')
        if array.shape != tuple(tensor.shape) or array.dtype != tensor.detach().numpy().dtype:
            raise ArtifactError(
                f'its weights "{name}" are {array.dtype} {array.shape}, and by its manifest {tensor.dtype} '
                f"{tuple(tensor.shape)}"
            )
        with torch.no_grad():
            tensor.copy_(torch.tensor(array))
    unknown = sorted({*rest, *extra})
    if unknown:
        raise ArtifactError(f'its weights "{unknown[0]}" belong to no part of the model')


def _connect(embedding: GraphEmbedding, edges: dict[str, Any], known: int) -> None:
    """Set the edges as they were stored, loops included."""
    sources, targets, shares = (edges[name] for name in _EDGES)
    sound = all(each is not None and each.ndim == 1 for each in edges.values()) and (
        len(sources) == len(targets) == len(shares)
        and (sources.dtype, targets.dtype, shares.dtype) == ("int64", "int64", "float32")
        and all(each.min() >= 1 and each.max() <= known for each in (sources, targets) if len(each))
    )
    if not sound:
        raise ArtifactError('its weights "embedding.sources", "targets" and "shares" are no edges between its actions')
    for name in _EDGES:
        setattr(embedding, name, torch.tensor(edges[name]))


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    every = model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False)
    return {name: tensor for some in every for name, tensor in some}


def _tables_of(model: Any) -> Tables:
    counts: BackOff = model.counts
    arrays = {
        name: getattr(counts, name).cpu().numpy() for name in ("context", "start", "total", "action", "count", "share")
    }
    return Tables(counts.order, float(counts.prior), float(counts.network_weight), tuple(counts.ends), **arrays)
