"""An event log in a model's codes, and ragged batches cut from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.errors import ModelError
from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import NO_TIME, US_PER_SECOND
from sqlscore.events.sequences import offsets_of, stretches
from sqlscore.scoring.encoding import ngrams, refuse_other_sort
from sqlscore.training.data.event_log import Codes, Column, EventLog

if TYPE_CHECKING:  # counts are made and judged without torch
    import torch

    from sqlscore.scoring.batch import Batch


@dataclass(frozen=True)
class Encoded:
    """The log in codes: as in `Batch`, but with the codes of never-seen actions counted over the whole log."""

    categories: Codes  # (T, C), of 32 bits: there may be many events
    numbers: npt.NDArray[np.float32]  # (T, F)
    times: Ints  # (T,)
    offsets: Ints  # (N + 1,)
    known: int  # V
    novel: list[str]  # names of the codes above V
    target: Codes  # (T,) the code of the user's next event; 0: none; above V: never seen in training
    target_time: Ints  # (T,) its time; that of the event itself if there is none
    log_gap: npt.NDArray[np.float32]  # (T,) log(1 + seconds to it)
    facts: torch.Tensor | None = None  # (T, K + n), see `training.learning.facts`; None: each pass makes its own


def vocabulary(log: EventLog, until: int, max_actions: int, max_categories: int, after: Inputs | None = None) -> Inputs:
    """What occurs up to a time, most frequent first, ties by name; rarer values beyond the caps are unknown.

    Args:
        log: the events.
        until: µs.
        max_actions: the most actions.
        max_categories: the most values of a categorical column.
        after: a vocabulary whose values come first, with the codes that they have there.
    """
    trained = log.times <= until
    known = {} if after is None else after.categorical
    return Inputs(
        _frequent(log.actions, trained, max_actions, () if after is None else after.actions),
        {
            name: _frequent(column, trained, max_categories, known.get(name, ()))
            for name, column in log.categorical.items()
        },
        tuple(log.numeric),
        {name: column.sort for name, column in log.categorical.items() if column.sort is not None},
    )


def encode_log(log: EventLog, inputs: Inputs) -> Encoded:
    """The whole log in the codes of `inputs`, with each event's target.

    Raises ModelError if the log was read without a column of `inputs`, or with one of another kind or sort.
    """
    _refuse_other_columns(log, inputs)
    size, known = len(log.times), len(inputs.actions)
    table, novel = _table(log.actions.values, inputs.actions)
    actions = table[log.actions.codes]
    categories = np.zeros((size, 1 + len(inputs.categorical)), np.int32)
    categories[:, 0] = actions
    for column, (name, values) in enumerate(inputs.categorical.items(), start=1):
        codes, _ = _table(log.categorical[name].values, values)
        categories[:, column] = np.where(codes > len(values), 0, codes)[log.categorical[name].codes]
    numbers = np.zeros((size, len(inputs.numeric)), np.float32)
    for column, name in enumerate(inputs.numeric):
        numbers[:, column] = log.numeric[name]
    last = log.offsets[1:] - 1
    target, target_time = np.zeros(size, np.int32), np.empty(size, np.int64)
    target[:-1], target_time[:-1] = actions[1:], log.times[1:]
    target[last], target_time[last] = 0, log.times[last]
    gaps = target_time.astype(np.float64)  # in place from here on: there may be many events
    gaps -= log.times
    gaps /= US_PER_SECOND
    log_gap = np.log1p(np.maximum(gaps, 0.0, out=gaps), out=gaps).astype(np.float32)
    return Encoded(categories, numbers, log.times, log.offsets, known, novel, target, target_time, log_gap)


def _refuse_other_columns(log: EventLog, inputs: Inputs) -> None:
    kinds: tuple[tuple[str, Iterable[str], Collection[str]], ...] = (
        ("category", inputs.categorical, log.categorical),
        ("number", inputs.numeric, log.numeric),
    )
    for kind, wanted, have in kinds:
        for name in wanted:
            if name not in have:
                raise ModelError(
                    f'the model reads column "{name}" as a {kind}, and the events are not mapped so: '
                    "map them as they were, or train a model on them as they are"
                )
    for name in inputs.categorical:
        refuse_other_sort(name, log.categorical[name].sort, inputs.sorts.get(name))


def cut_batch(
    data: Encoded, starts: Ints, ends: Ints, untimed: npt.NDArray[np.bool_] | None = None
) -> tuple[Batch, Ints]:
    """A batch of stretches of the log.

    Args:
        data: the log in codes.
        starts: int64 (N,), the first event of each sequence in the log.
        ends: int64 (N,), the event behind its last one.
        untimed: bool (N,), sequences that are given without times, as plain lists of actions are; None for none.

    Returns:
        N sequences with T events, and int64 (T,): the index of each event in the log.
    """
    import torch

    from sqlscore.scoring.batch import Batch

    lengths = ends - starts
    index, offsets = stretches(starts, lengths)
    categories = data.categories[index].astype(np.int64)
    times = data.times[index]
    if untimed is not None:
        times = np.where(np.repeat(untimed, lengths), NO_TIME, times)
    first_novel = data.known + 1  # the code of the first novel action, in the log as in the batch
    is_novel = categories[:, 0] >= first_novel
    grams: list[Ints] = []
    if is_novel.any():
        codes_in_log, number_in_batch = np.unique(categories[is_novel, 0], return_inverse=True)
        categories[is_novel, 0] = first_novel + number_in_batch
        grams = [ngrams(data.novel[code - first_novel]) for code in codes_in_log]
    batch = Batch(
        torch.from_numpy(categories),
        torch.from_numpy(data.numbers[index]),
        torch.from_numpy(times),
        torch.from_numpy(offsets),
        torch.from_numpy(np.concatenate(grams) if grams else np.zeros(0, np.int64)),
        torch.from_numpy(offsets_of(np.array([len(g) for g in grams], np.int64))),
    )
    return batch, index


def ordered_batches(lengths: Ints, events: int) -> list[Ints]:
    """Indices of sequences in groups of similar length with about `events` events each."""
    order = np.argsort(lengths, kind="stable")
    group = (np.cumsum(lengths[order]) - lengths[order]) // events
    return np.split(order, np.flatnonzero(np.diff(group)) + 1) if len(order) else []


def _frequent(column: Column, trained: npt.NDArray[np.bool_], most: int, first: tuple[str, ...]) -> tuple[str, ...]:
    counts = np.bincount(column.codes[trained], minlength=len(column.values) + 1)[1:]
    known = set(first)
    others = [
        (-int(count), value) for count, value in zip(counts, column.values, strict=True) if count and value not in known
    ]
    return (*first, *(value for _, value in sorted(others)[: max(most - len(first), 0)]))


def _table(values: list[str], known: tuple[str, ...]) -> tuple[Codes, list[str]]:
    """(codes of the log's values by their own code, with 0 for NULL; the unknown values, coded above the known)."""
    codes = {value: code for code, value in enumerate(known, start=1)}
    novel: list[str] = []
    table = np.zeros(len(values) + 1, np.int32)
    for own, value in enumerate(values, start=1):
        code = codes.get(value)
        if code is None:
            novel.append(value)
            code = len(known) + len(novel)
        table[own] = code
    return table, novel
