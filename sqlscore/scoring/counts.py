"""A model of counts, read from arrays by numpy: a process that scores with one imports no torch."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import ArtifactError
from sqlscore.events.mapping import NO_TIME, US_PER_SECOND
from sqlscore.scoring.encoding import Columns
from sqlscore.scoring.even_quantiles import median, quantiles, share_within
from sqlscore.scoring.recency import Recency
from sqlscore.scoring.tables import Singles, Tables
from sqlscore.scoring.weights import Weights

_TABLES, _RECENCY = "counts.", "recency."  # before the names of theirs


@dataclass(frozen=True)
class Counts:
    """The tables of a `models.encoders.markov.Markov`, which has the formulas; states and answers are the same.

    A state is [codes of the last actions, newest first | how often each of the most frequent actions came, others
    first | with `recency`, seconds from the first event to the last]. N sequences, T events, V known actions, C
    contexts, M counts, A counted actions.
    """

    order: Ints  # (): n, last actions that a state holds
    counted: Ints  # (): A
    prior: Singles  # ()
    ends: Ints  # (n + 1,) of each order's part of the contexts
    context: Ints  # (C,) rising within an order
    start: Ints  # (C + 1,) of each context's counts
    total: Singles  # (C,)
    action: Ints  # (M,) 0-based
    count: Singles  # (M,)
    share: Singles  # (V,)
    frozen: Singles  # (1 + C, V) the distribution after no context and each one; (0, 0) if that is too much to hold
    log_seconds: Singles  # (V + 2, L) quantiles of log(1 + seconds) after each action, evenly from 0 to 1
    recency: Recency | None = None  # of churn; a Markov has none

    @classmethod
    def of_weights(cls, weights: Weights, known: int, counted: int) -> Counts:
        """The model whose weights these are, of V known actions and A counted ones.

        Raises ArtifactError if a table is missing, or points outside of another.
        """
        tables = Tables.of_weights(weights, _TABLES, known)
        levels = weights.get("log_seconds")
        if levels is None or levels.dtype != np.float32 or levels.ndim != 2 or levels.shape[0] != known + 2:
            raise ArtifactError('its weights "log_seconds" are missing, or not a row for each action')
        if levels.shape[1] < 2 or (levels < 0).any() or (np.diff(levels, axis=1) < 0).any():
            raise ArtifactError('its weights "log_seconds" are no rising times')
        return cls.of_tables(tables, counted, levels, Recency.of_weights(weights, _RECENCY, known))

    @classmethod
    def of_tables(cls, tables: Tables, counted: int, log_seconds: Singles, recency: Recency | None = None) -> Counts:
        """The model that has these tables, and counts A actions."""
        return cls(
            order=np.array(tables.order),
            counted=np.array(counted),
            prior=np.array(tables.prior, np.float32),
            ends=np.array(tables.ends),
            context=tables.context,
            start=tables.start,
            total=tables.total,
            action=tables.action,
            count=tables.count,
            share=tables.share,
            frozen=tables.frozen(),
            log_seconds=log_seconds,
            recency=recency,
        )

    def to_weights(self) -> Weights:
        """The inverse of `of_weights`."""
        tables = Tables(
            int(self.order), float(self.prior), 0.0, tuple(int(end) for end in self.ends),
            self.context, self.start, self.total, self.action, self.count, self.share,
        )  # fmt: skip
        of_recency = {} if self.recency is None else self.recency.to_weights(_RECENCY)
        return {**tables.to_weights(_TABLES), "log_seconds": self.log_seconds, **of_recency}

    @property
    def state_size(self) -> int:
        """S: floats of a state."""
        return int(self.order) + int(self.counted) + 1 + (self.recency is not None)

    @classmethod
    def from_bytes(cls, data: bytes) -> Counts:
        """The tables in an artifact of format 3, an .npz file.

        Raises KeyError, ValueError or BadZipFile if it is something else.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return cls(**{field.name: archive[field.name] for field in fields(cls) if field.name != "recency"})

    def encode(
        self, columns: Columns, hidden: Singles | None, clock: Ints | None, *, tally: bool = True
    ) -> tuple[Singles, Ints]:
        """The states after N sequences.

        Args:
            columns: their events.
            hidden: (N, S), the states to advance; None for new users.
            clock: int64 (N, 2), their first and last times.
            tally: Whether to tell actions apart in the tally, which representations alone read.

        Returns:
            float32 (N, S) and int64 (N, 2); a sequence without events leaves its state as it is.
        """
        size, order, wide = len(columns.offsets) - 1, int(self.order), int(self.counted) + 1
        state = np.zeros((size, self.state_size), np.float32) if hidden is None else hidden.copy()
        times = np.full((size, 2), NO_TIME, np.int64) if clock is None else clock.copy()
        filled = np.flatnonzero(columns.offsets[1:] > columns.offsets[:-1])
        first, last = columns.offsets[:-1][filled], columns.offsets[1:][filled] - 1
        state[filled, :order] = self._newest(columns, first, last, state[filled, :order])
        if tally:
            row = np.repeat(np.arange(size), np.diff(columns.offsets))
            counts = np.bincount(row * wide + self._slots(columns), minlength=size * wide)
            state[:, order : order + wide] += counts.reshape(size, wide)
        elif self.recency is not None:
            state[:, order] += np.diff(columns.offsets)
        begun = times[filled, 0]
        times[filled, 0] = np.where(begun == NO_TIME, columns.times[first], begun)
        times[filled, 1] = columns.times[last]
        if self.recency is not None:
            state[:, -1] = _span(times)
        return state, times

    def encode_each(self, columns: Columns, *, tally: bool = True) -> tuple[Singles, Ints]:
        """-> states (T, S) and times (T, 2) of new users after every event. tally: as in `encode`."""
        size, order, wide = len(columns.times), int(self.order), int(self.counted) + 1
        first = np.repeat(columns.offsets[:-1], np.diff(columns.offsets))
        at = np.arange(size)
        state = np.zeros((size, self.state_size), np.float32)
        state[:, :order] = self._newest(columns, first, at, np.zeros((size, order), np.float32))
        if tally:
            running = np.zeros((size + 1, wide), np.int32)
            running[at + 1, self._slots(columns)] = 1
            np.cumsum(running, axis=0, out=running)
            state[:, order : order + wide] = running[1:] - running[first]
        elif self.recency is not None:
            state[:, order] = at + 1 - first
        times = np.stack([columns.times[first], columns.times], 1)
        if self.recency is not None:
            state[:, -1] = _span(times)
        return state, times

    def probabilities(self, hidden: Singles) -> Singles:
        """(N, S) -> (N, V) of the next action."""
        contexts = self._contexts(hidden)
        found = self.frozen[self._longest(contexts)] if len(self.frozen) else self._summed(contexts)
        return np.asarray(found / found.sum(1, keepdims=True))

    def seconds(self, hidden: Singles) -> Floats:
        """(N, S) -> (N,) the median of the seconds to the next event."""
        return median(self._levels(hidden))

    def seconds_at(self, hidden: Singles, levels: Floats) -> Floats:
        """(N, S), (N, Q) in [0, 1] -> (N, Q) these quantiles of the seconds."""
        return quantiles(self._levels(hidden), levels)

    def within(self, hidden: Singles, seconds: Floats) -> Singles:
        """(N, S), (N,) -> (N,) the probability that the next event comes within these seconds."""
        return share_within(self._levels(hidden), seconds)

    def representations(self, hidden: Singles) -> Singles:
        """(N, S) -> (N, A + 1): the shares of the most frequent actions in the history, the others' first."""
        counts = self._tally(hidden)
        return np.asarray(counts / np.maximum(counts.sum(1, keepdims=True), np.float32(1)))

    def churn(self, hidden: Singles, elapsed: Floats) -> Singles:
        """(N, S), (N,) seconds since the last event -> (N,): the probability of no event within the horizon."""
        if self.recency is None:  # the manifest lists no such head
            return np.full(len(hidden), 0.5, np.float32)
        return self.recency.churn(self._tally(hidden).sum(1), hidden[:, -1], hidden[:, 0], elapsed)

    def _tally(self, hidden: Singles) -> Singles:
        """(N, S) -> (N, A + 1)"""
        return hidden[:, int(self.order) : int(self.order) + int(self.counted) + 1]

    def _slots(self, columns: Columns) -> Ints:
        actions = columns.categories[:, 0]
        return np.where(actions > self.counted, 0, actions)

    def _newest(self, columns: Columns, first: Ints, last: Ints, held: Singles) -> Singles:
        """(P,) events and the first ones of their sequences, (P, n) codes before these -> (P, n), newest first."""
        order = int(self.order)
        if not len(last):
            return held
        place = last[:, None] - np.arange(order)
        missing = first[:, None] - place  # from 1 on, it is among those held
        before = np.take_along_axis(held, np.clip(missing - 1, 0, order - 1), 1)
        codes = np.minimum(columns.categories[:, 0], len(self.share) + 1).astype(np.float32)
        return np.where(missing > 0, before, codes[np.maximum(place, 0)])

    def _levels(self, hidden: Singles) -> Singles:
        """(N, L) by the last action."""
        return self.log_seconds[hidden[:, 0].astype(np.int64)]

    def _contexts(self, hidden: Singles) -> list[Ints]:
        """The numbers (N,) of the contexts of one action, of two, and so on."""
        context, place, contexts = np.zeros(len(hidden), np.int64), 1, []
        for n in range(int(self.order)):
            context = context + hidden[:, n].astype(np.int64) * place
            place *= len(self.share) + 2
            contexts.append(context)
        return contexts

    def _place(self, context: Ints, n: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """(N,) -> (N,) where contexts of n + 1 actions stand among all, and whether they do."""
        low, high = int(self.ends[n]), int(self.ends[n + 1])
        known = self.context[low:high]
        at = np.searchsorted(known, context).clip(max=high - low - 1)
        return at + low, known[at] == context

    def _longest(self, contexts: list[Ints]) -> Ints:
        """(N,) the row of `frozen` after the longest context that was seen."""
        row = np.zeros_like(contexts[0])
        for n, context in enumerate(contexts):
            if self.ends[n + 1] == self.ends[n]:
                break
            at, is_known = self._place(context, n)
            row = np.where(is_known, at + 1, row)
        return row

    def _summed(self, contexts: list[Ints]) -> Singles:
        """(N, V) from the counts of each context."""
        size, known = len(contexts[0]), len(self.share)
        left = np.ones(size, np.float32)  # the part of the shorter contexts
        found = np.zeros(size * known, np.float32)
        for n in reversed(range(len(contexts))):
            if self.ends[n + 1] == self.ends[n]:
                continue
            at, is_known = self._place(contexts[n], n)
            total = self.total[at] * is_known
            sizes = (self.start[at + 1] - self.start[at]) * is_known
            row = np.repeat(np.arange(size), sizes)
            which = np.repeat(self.start[at] - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(row))
            part = self.count[which] * (left / (total + self.prior))[row]
            found[row * known + self.action[which]] += part  # a context has each action once
            left = left * (self.prior / (total + self.prior))
        return found.reshape(size, known) + left[:, None] * self.share


def _span(clock: Ints) -> Floats:
    """(N, 2) -> (N,) seconds from the first event to the last; 0 without times."""
    return np.asarray((clock[:, 1] - clock[:, 0]) / US_PER_SECOND)
