"""Sequences of Arrow values -> columns of numbers, by the vocabulary of a model."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.columns import column_of, numbers_of, texts_of
from sqlscore.errors import EventsError
from sqlscore.events.inputs import Inputs
from sqlscore.events.kinds import is_text, sort_of
from sqlscore.events.sequences import Sequences, offsets_of
from sqlscore.events.type_names import sql_name

NGRAM_SIZES = (3, 4, 5)
NGRAM_BUCKETS = 2048


class Columns(NamedTuple):
    """The fields of a `Batch`, as arrays of the same shapes."""

    categories: Ints  # (T, 1 + categorical features), 0 = missing
    numbers: npt.NDArray[np.float32]  # (T, numeric features), NaN = missing
    times: Ints  # (T,), µs since 1970 UTC or NO_TIME
    offsets: Ints  # (N + 1,)
    novel_values: Ints  # (M,)
    novel_offsets: Ints  # (U + 1,)


def encode_columns(sequences: Sequences, inputs: Inputs) -> Columns:
    """Strings to codes and columns to tensors, by the names that the model knows.

    Args:
        sequences: N sequences with T events.
        inputs: the model's vocabularies and columns.

    Raises:
        EventsError: if a feature column of the model is missing or of the wrong type.
    """
    codes, novel = encode_actions(sequences.actions, inputs.actions)
    size = len(codes)
    categories = np.zeros((size, 1 + len(inputs.categorical)), np.int64)
    categories[:, 0] = codes
    for column, (name, values) in enumerate(inputs.categorical.items(), start=1):
        given = _feature(sequences, name)
        refuse_other_sort(name, sort_of(given.type), inputs.sorts.get(name))
        categories[:, column] = encode_categories(given, values)
    numbers = np.empty((size, len(inputs.numeric)), np.float32)
    for column, name in enumerate(inputs.numeric):
        numbers[:, column] = to_float(_feature(sequences, name), name)
    grams = [ngrams(text) for text in novel]
    return Columns(
        categories,
        numbers,
        sequences.times,
        sequences.offsets,
        np.concatenate(grams) if grams else np.zeros(0, np.int64),
        offsets_of(np.array([len(g) for g in grams], np.int64)),
    )


def unknown_counts(columns: Columns, inputs: Inputs) -> Ints:
    """(N,) how many events of each sequence have an action that the model has never seen."""
    running = np.append(0, np.cumsum(columns.categories[:, 0] > len(inputs.actions)))
    return np.asarray(running[columns.offsets[1:]] - running[columns.offsets[:-1]], np.int64)


def encode_actions(actions: pa.Array, known: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Actions -> (codes from 1, the unseen actions whose codes follow the known ones)."""
    codes = encode_categories(actions, known)
    missing = codes == 0
    if not missing.any():
        return codes, []
    unseen = actions.filter(column_of(missing))
    if pa.types.is_dictionary(unseen.type):
        unseen = unseen.cast(unseen.type.value_type)
    unseen = unseen.dictionary_encode()
    codes[missing] = numbers_of(unseen.indices) + (len(known) + 1)
    return codes, unseen.dictionary.to_pylist()


def encode_categories(column: pa.Array, known: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """A category column -> codes from 1 in the order of `known`; 0 for NULL and for what is not in it."""
    if pa.types.is_dictionary(column.type):
        table = np.append(encode_categories(column.dictionary, known), 0)
        return np.asarray(table[numbers_of(column.indices, len(table) - 1)], np.int64)
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.int64)
    if not is_text(column.type):
        column = column.cast(pa.string())
    codes = pc.index_in(column, value_set=_value_set(known), skip_nulls=True)
    return numbers_of(codes, -1).astype(np.int64) + 1


def refuse_types(types: Mapping[str, pa.DataType], inputs: Inputs) -> None:
    """Raises EventsError if one of these columns is of a type from which a model cannot be fed.

    Args:
        types: of the columns of events, by name.
        inputs: what the model reads. A column that is not among `types` is not looked at.
    """
    for name in inputs.categorical:
        if name in types:
            refuse_other_sort(name, sort_of(types[name]), inputs.sorts.get(name))
    for name in inputs.numeric:
        if name in types:
            refuse_no_number(types[name], name)


def refuse_other_sort(name: str, given: str | None, trained: str | None) -> None:
    """Raises EventsError if a categorical column holds another sort of values than in training: all were unknown.

    Args:
        name: of the column.
        given: the sort of its values, as `events.kinds.sort_of` says; None if it has none.
        trained: the sort that the model was trained on; None if it does not say.
    """
    if given is not None and trained is not None and given != trained:
        raise EventsError(
            f'events column "{name}" holds {given}, and the model was trained on {trained}: '
            "cast it to what it was, or train a model on it as it is"
        )


def refuse_no_number(kind: pa.DataType, name: str) -> None:
    """Raises EventsError for a type that is none of numbers; a column of NULLs alone is one of missing numbers."""
    read = (pa.types.is_null, pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating)
    if not any(is_read(kind) for is_read in read):
        raise EventsError(
            f'events column "{name}" has type {sql_name(kind)}, the model expects a number: cast it to DOUBLE'
        )


def to_float(column: pa.Array, name: str) -> npt.NDArray[np.float32]:
    """A numeric column -> float32, NULL as NaN."""
    refuse_no_number(column.type, name)
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan, np.float32)
    with np.errstate(over="ignore"):  # infinite then, which counts as missing
        values = numbers_of(column.cast(pa.float64(), safe=False), np.nan).astype(np.float32)
    return np.where(np.isinf(values), np.nan, values)


@lru_cache(maxsize=65_536)
def ngrams(text: str) -> npt.NDArray[np.int64]:
    """Buckets of the hashed character n-grams of `<text>`, at least one (fastText, arXiv 1607.04606, section 3.2)."""
    marked = f"<{text}>"
    pieces = [marked[i : i + n] for n in NGRAM_SIZES for i in range(len(marked) - n + 1)] or [marked]
    return np.array([zlib.crc32(piece.encode("utf-8", "surrogatepass")) % NGRAM_BUCKETS for piece in pieces], np.int64)


@lru_cache(maxsize=256)
def _value_set(known: tuple[str, ...]) -> pa.Array:
    return texts_of(known)


def _feature(sequences: Sequences, name: str) -> pa.Array:
    if sequences.plain:
        return pa.nulls(len(sequences.actions))
    if name not in sequences.features:
        have = ", ".join(f'"{n}"' for n in sequences.features) or "none"
        raise EventsError(
            f'events column "{name}" is missing: the model was trained with it, and the feature columns that were '
            f"given are: {have}; add the column, or train a model on a mapping without it"
        )
    return sequences.features[name]
