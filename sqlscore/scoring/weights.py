"""The weights of a model as bytes: the safetensors format, which holds arrays and nothing that could be run.

https://github.com/huggingface/safetensors: eight bytes with the length of a JSON header, the header with the name,
type, shape and place of every array, then the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sqlscore.errors import ArtifactError

Weights = Mapping[str, npt.NDArray[Any]]
"""Arrays by their names in the module; float32, float64 or int64."""

_TYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64))


def write_weights(weights: Weights) -> bytes:
    """The arrays as a safetensors file; the same arrays give the same bytes."""
    return save({name: np.asarray(array, order="C") for name, array in weights.items()})


def read_weights(data: bytes) -> Weights:
    """The inverse. Runs nothing, and reads no further than the header says and the file goes.

    Raises ArtifactError if it is another file or a damaged one, if an array has a type that no model has, or if a
    number is not finite.
    """
    try:
        found = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"its weights are not a safetensors file, or a damaged one: {error}") from error
    for name, array in found.items():
        if array.dtype not in _TYPES:
            raise ArtifactError(f'its weights "{name}" are {array.dtype}: a model has float32, float64 and int64 alone')
        if not np.isfinite(array).all():
            raise ArtifactError(f'its weights "{name}" hold a number that is not finite: train again')
    return found
