"""Cuts the sequences of users into sessions."""

from __future__ import annotations

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.events.sequences import Sequences


def split_sessions(sequences: Sequences, gap: int) -> tuple[Sequences, Ints]:
    """Cut sequences between two events that lie further apart than a gap.

    Args:
        sequences: N sequences of at least one event each.
        gap: µs.

    Returns:
        M sessions, and int64 (M,): which sequence each is of.
    """
    begins = np.ones(len(sequences.times), np.bool_)
    begins[1:] = np.diff(sequences.times) > gap
    begins[sequences.offsets[:-1]] = True
    starts = np.flatnonzero(begins)
    offsets = np.append(starts, len(sequences.times)).astype(np.int64)
    owner = np.searchsorted(sequences.offsets, starts, side="right") - 1
    return Sequences(sequences.actions, sequences.times, offsets, sequences.features), owner.astype(np.int64)
