"""The moments at which a head is learned again: which labels were known by then, and which came after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sqlscore.arrays import Ints
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.finetuning.label_checks import LEAST
from sqlscore.finetuning.labels import Labels
from sqlscore.times import iso

_OWN_MOMENTS = 24  # of the labels: more of them are too fine to be walked one by one
_STEPS = 12  # across the labels, if their own moments are too fine
_MOST = 1_000
_DAY = 86_400 * US_PER_SECOND


@dataclass(frozen=True)
class Cut:
    """One moment of the walk.

    Attributes:
        at: µs, the moment.
        until: µs: labels from `at` up to, not including, this moment are judged.
        learned: rows of the labels that were known at `at`, about moments before it.
        judged: rows of the labels that are judged.
    """

    at: int
    until: int
    learned: Ints
    judged: Ints


def cuts_of(
    labels: Labels, known_at: Ints, every: float | None, start: int | None = None, end: int | None = None
) -> list[Cut]:
    """The moments of the walk, in order of time; some of them may be of no use (see `usable`).

    Each label is judged once, at the last moment up to its `as_of`. By default the moments are those of the labels, or
    a twelfth of their span apart, in whole days, if these are more than two dozen.

    Args:
        labels: N labels in the order of their moments.
        known_at: (N,) µs, when each was known.
        every: seconds between two moments.
        start: µs, before which there is no moment.
        end: µs, after which no label is judged.

    Raises TrainingError if the labels are all as of one moment, or if that would be too many moments.
    """
    first, last = int(labels.as_of[0]), int(labels.as_of[-1])
    if first == last:
        raise TrainingError(
            f"the labels are all as of {iso(first)}, and before it no label was known: let the query give several "
            "moments, and finetune again"
        )
    own = np.unique(labels.as_of)
    if every is None and len(own) <= _OWN_MOMENTS:
        spans = [(int(at), int(at) + 1) for at in own]
    else:
        step = _step(last - first) if every is None else max(round(every * US_PER_SECOND), 1)
        begin = first if start is None else start
        count = max((last - begin) // step + 1, 0)
        if count > _MOST:
            raise TrainingError(f"that would be {count:,} moments: walk in larger steps, or a shorter way")
        spans = [(begin + i * step, begin + (i + 1) * step) for i in range(count)]
    cuts = []
    for at, until in spans:
        judged = (labels.as_of >= at) & (labels.as_of < until)
        if end is not None:
            judged &= labels.as_of <= end
        if judged.any() and (start is None or at >= start):
            learned = np.flatnonzero((known_at <= at) & (labels.as_of < at))
            cuts.append(Cut(at, until, learned, np.flatnonzero(judged)))
    return cuts


def _step(span: int) -> int:
    """µs: a twelfth of the span, whole days if it is longer than one."""
    step = max(span // _STEPS, 1)
    return step if step <= _DAY else -(-step // _DAY) * _DAY


def can_learn(labels: Labels, rows: Ints) -> bool:
    """Whether these labels are enough, and differ enough, to learn a head from."""
    wanted = labels.wanted[rows]
    if len(rows) < LEAST or wanted.min() == wanted.max():
        return False
    return labels.kind not in ("count", "amount") or int((wanted > 0).sum()) >= LEAST // 2


def usable(labels: Labels, cuts: list[Cut]) -> list[Cut]:
    """The moments with enough labels that were known, and enough to be judged.

    Raises TrainingError, with the remedy, if there is none.
    """
    found = [cut for cut in cuts if can_learn(labels, cut.learned) and len(cut.judged) >= LEAST]
    if cuts and not found:
        most = max(cuts, key=lambda cut: min(len(cut.learned), len(cut.judged)))
        raise TrainingError(
            f"no moment has {LEAST} labels that were known by then and differ, and {LEAST} that came after: at "
            f"{iso(most.at)} there are {len(most.learned)} and {len(most.judged)}; let the labels' query reach further "
            "back, or walk in larger steps (every=..., --every)"
        )
    return found
