"""The table that gradient boosting reads: one row an event, from the events up to it alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.encoding import Encoded

_LAST = 8  # events whose actions and gaps are columns
_FEATURES_OF = 2  # of these the mapped features too
_COUNTED = 32  # most frequent actions whose counts so far are columns
_CODES = 254  # rarer values of a category are one
_VISIT = 1_800 * US_PER_SECOND
_HOUR, _DAY = 3_600 * US_PER_SECOND, 86_400 * US_PER_SECOND
_CHUNK = 50_000  # rows that are made at once
_BACK = (0.25, 1.0, 4.0)  # in horizons: how far back recent events are counted for churn

Table = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """An encoded log with what its rows are made of, computed once."""

    data: Encoded
    start: Ints  # (T,) where the user of an event begins
    counted: npt.NDArray[np.int32]  # (T, A) events of each frequent action so far, over all users
    sums: npt.NDArray[np.float64]  # (T, F) of the numbers so far, over all users
    visit: Ints  # (T,) where the visit of an event begins
    tie: Ints  # (T,) where the events of the same user and time begin

    @property
    def categorical(self) -> list[int]:
        """Places of the columns that hold codes."""
        return list(range(_LAST + _FEATURES_OF * (self.data.categories.shape[1] - 1)))


def source_of(data: Encoded) -> Source:
    """Running counts, sums and visits of a log."""
    size = len(data.times)
    lengths = np.diff(data.offsets)
    start = np.repeat(data.offsets[:-1], lengths)
    first = np.zeros(size, np.bool_)
    first[data.offsets[:-1]] = True
    gap = np.diff(data.times, prepend=data.times[:1])
    frequent = np.arange(1, 1 + min(_COUNTED, data.known))
    counted = np.cumsum(data.categories[:, :1] == frequent, axis=0, dtype=np.int32)
    sums = np.cumsum(np.nan_to_num(data.numbers.astype(np.float64)), axis=0)
    return Source(data, start, counted, sums, _begins(first | (gap > _VISIT)), _begins(first | (gap > 0)))


def rows_at(source: Source, at: Ints) -> Table:
    """(P,) events -> (P, D): codes of the last events and their features first, then numbers; NaN where missing."""
    first = _rows(source, at[:_CHUNK])
    if len(at) <= _CHUNK:
        return first
    found = np.empty((len(at), first.shape[1]), np.float32)
    found[:_CHUNK] = first
    for begin in range(_CHUNK, len(at), _CHUNK):
        found[begin : begin + _CHUNK] = _rows(source, at[begin : begin + _CHUNK])
    return found


def _rows(source: Source, at: Ints) -> Table:
    data, start = source.data, source.start[at]
    actions = np.minimum(data.categories[:, 0], data.known + 1).astype(np.int64)
    columns: list[npt.NDArray[np.float64]] = [_code(actions, at - back, start) for back in range(_LAST)]
    columns += [
        _code(data.categories[:, column].astype(np.int64), at - back, start)
        for back in range(_FEATURES_OF)
        for column in range(1, data.categories.shape[1])
    ]
    columns += [
        np.where(at - back > start, _log_seconds(data.times, at - back, at - back - 1), np.nan)
        for back in range(_LAST - 1)
    ]
    for back in range(_FEATURES_OF):
        place = np.maximum(at - back, 0)
        columns += list(np.where((at - back >= start)[:, None], data.numbers[place], np.nan).T.astype(np.float64))
    moment = data.times[at]
    columns += [
        (at - start + 1).astype(np.float64),
        _log_seconds(data.times, at, start),
        (at - source.visit[at] + 1).astype(np.float64),
        _log_seconds(data.times, at, source.visit[at]),
        (at - source.tie[at]).astype(np.float64),
        (moment % _DAY / _HOUR).astype(np.float64),
        ((moment // _DAY + 3) % 7).astype(np.float64),  # 1 January 1970 was a Thursday
    ]
    before = start > 0
    columns += list((source.counted[at] - source.counted[start - 1] * before[:, None]).T.astype(np.float64))
    columns += list((source.sums[at] - source.sums[start - 1] * before[:, None]).T)
    return np.stack(columns, axis=1).astype(np.float32)


def churn_rows(source: Source, examples: Examples, horizon: int) -> Table:
    """(E,) examples -> the same at their last events, with what as_of adds: recency and counts of recent events.

    horizon: µs.
    """
    at, data = examples.position, source.data
    start, elapsed = source.start[at], examples.elapsed
    typical = (data.times[at] - data.times[start]) / US_PER_SECOND / np.maximum(at - start, 1)
    columns = [np.log1p(elapsed), elapsed / np.maximum(typical, 1.0)]
    as_of = data.times[at].astype(np.float64) / US_PER_SECOND + elapsed
    clock = _per_user_clock(source)
    for share in _BACK:
        since = as_of - share * horizon / US_PER_SECOND - float(data.times.min()) / US_PER_SECOND
        first = np.searchsorted(clock, clock[start] - _seconds(source, start) + np.maximum(since, 0.0))
        columns.append((at + 1 - np.clip(first, start, at + 1)).astype(np.float64))
    return np.concatenate([rows_at(source, at), np.stack(columns, axis=1).astype(np.float32)], axis=1)


def _begins(marks: npt.NDArray[np.bool_]) -> Ints:
    """(T,) the newest marked place at or before each."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), 0))


def _code(codes: Ints, at: Ints, start: Ints) -> npt.NDArray[np.float64]:
    """Codes at places, rare ones together; 0 before the user's first event."""
    return np.where(at >= start, np.minimum(codes[np.maximum(at, 0)], _CODES), 0).astype(np.float64)


def _log_seconds(times: Ints, later: Ints, earlier: Ints) -> npt.NDArray[np.float64]:
    seconds = (times[later] - times[np.maximum(earlier, 0)]) / US_PER_SECOND
    return np.asarray(np.log1p(np.maximum(seconds, 0.0)), np.float64)  # before the first event: not used


def _seconds(source: Source, at: Ints) -> npt.NDArray[np.float64]:
    return np.asarray((source.data.times[at] - source.data.times.min()) / US_PER_SECOND, np.float64)


def _per_user_clock(source: Source) -> npt.NDArray[np.float64]:
    """(T,) seconds since the log's first event, a span apart from one user to the next: rising over the whole log."""
    seconds = _seconds(source, np.arange(len(source.start)))
    user = np.repeat(np.arange(len(source.data.offsets) - 1), np.diff(source.data.offsets))
    return np.asarray(user * (seconds.max() + 1.0) + seconds)
