"""What a model reads of a sequence, as a key of 128 bits."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from sqlscore.events.inputs import Inputs
from sqlscore.scoring.encoding import Columns

Words = npt.NDArray[np.uint64]

_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)


def content_keys(events: Columns, inputs: Inputs, lengths: npt.NDArray[np.int64]) -> Words:
    """Keys of what the model reads of each sequence, order and number of events included.

    Two sums, modulo 2^64, of mixed event words; the mix is SplitMix64's (Steele, Lea, Flood 2014).

    Args:
        events: N sequences, as the model reads them.
        inputs: the model's vocabularies.
        lengths: int64 (N,), events of each sequence, those that the model does not read included.

    Returns:
        uint64 (N, 2).
    """
    offsets = events.offsets
    starts, stops = offsets[:-1], offsets[1:]
    position = np.arange(offsets[-1]) - np.repeat(starts, stops - starts)
    categories = events.categories
    words = _mix(_named(categories[:, 0], events, len(inputs.actions)) ^ _mix(position.view(np.uint64)))
    words = _mix(words + events.times.view(np.uint64))
    for column in range(1, categories.shape[1]):
        words = _mix(words + np.ascontiguousarray(categories[:, column]).view(np.uint64))
    numbers = events.numbers
    for column in range(numbers.shape[1]):
        words = _mix(words + np.ascontiguousarray(numbers[:, column]).view(np.uint32).astype(np.uint64))
    keys = np.empty((len(lengths), 2), np.uint64)
    for half, seed in enumerate(_SEEDS):
        mixed = np.append(np.uint64(0), np.cumsum(_mix(words ^ np.uint64(seed)), dtype=np.uint64))
        keys[:, half] = _mix((mixed[stops] - mixed[starts]) ^ lengths.astype(np.uint64))
    return keys


def _named(codes: npt.NDArray[np.int64], events: Columns, known: int) -> Words:
    """Action codes, with those of unseen actions, which differ by batch, replaced by a hash of what they say."""
    words = np.ascontiguousarray(codes).astype(np.uint64)
    unseen = codes > known
    if unseen.any():
        grams, offsets = events.novel_values, events.novel_offsets
        names = [
            int.from_bytes(hashlib.blake2b(grams[a:b].tobytes(), digest_size=8).digest(), "little")
            for a, b in zip(offsets[:-1], offsets[1:], strict=True)
        ]
        words[unseen] = np.array(names, np.uint64)[codes[unseen] - known - 1]
    return words


def _mix(words: Words) -> Words:
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
