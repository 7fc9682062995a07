"""The whole model, whatever its encoder: state = [encoder state | running summaries | last actions], and its heads."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from sqlscore.models.back_off import ORDER, BackOff
from sqlscore.models.heads import Heads
from sqlscore.models.inputs.embedding import EventEmbedding
from sqlscore.models.inputs.features import Features
from sqlscore.models.inputs.summary import Summary
from sqlscore.models.ragged.arithmetic import gaps_of, no_time
from sqlscore.models.ragged.newest import newest_codes
from sqlscore.scoring.batch import Batch
from sqlscore.scoring.tables import longest_order


class SequenceModel(nn.Module):
    """Event embedding -> encoder -> heads, with running summaries beside the encoder, and counts beside the network.

    The next action's probability is a weighted mean of the network's and of what followed the last actions: see
    `BackOff`, to which `training.learning.mixture` gives its weight.
    `encoder(x (T, E), offsets (N + 1,), state (N, H), each) -> (T, H) or (N, H)` has an attribute `size` = H.
    The exported methods are those of `scoring.module.Module`; no tensor is padded.
    """

    def __init__(
        self, embedding: EventEmbedding, encoder: nn.Module, size: int, summary: Summary, heads: Heads
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder
        self.size = size  # H
        self.summary = summary
        self.features = Features(summary)
        self.heads = heads
        self.counts = BackOff(embedding.known, longest_order(embedding.known, ORDER))
        self.body = size + summary.size  # H + K
        self.state_size = self.body + self.counts.order  # S = H + K + n

    @torch.jit.export
    def encode(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045 - what TorchScript reads; float32 (N, S)
        clock: Optional[Tensor],  # noqa: UP045 - int64 (N, 2)
    ) -> tuple[Tensor, Tensor]:
        """-> (state float32 (N, S), clock int64 (N, 2)) after each sequence; an empty one leaves its state as it is."""
        old, before = self._start(batch.offsets, hidden, clock)
        state, after = self._run(batch, old, before, False)
        if state.shape[0] == before.shape[0]:
            return state, after
        filled = torch.nonzero(batch.offsets[1:] > batch.offsets[:-1])[:, 0]  # (M,)
        return old.index_copy(0, filled, state), before.index_copy(0, filled, after)

    @torch.jit.export
    def encode_each(
        self,
        batch: Batch,
        hidden: Optional[Tensor],  # noqa: UP045
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        """-> (state float32 (T, S), clock int64 (T, 2)) after every event, each from the events up to it alone."""
        old, before = self._start(batch.offsets, hidden, clock)
        return self._run(batch, old, before, True)

    @torch.jit.export
    def next_logits(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, V), temperature applied, counts mixed in."""
        features = self.features(hidden[:, self.size : self.body])
        logits = self.heads.next_logits(self.heads.embed(hidden[:, : self.size], features), features)
        return self.counts.mixed(logits, hidden[:, self.body :])

    @torch.jit.export
    def seconds(self, hidden: Tensor) -> Tensor:
        """(N, S) -> float64 (N,): median of the seconds from the last event to the next."""
        return torch.expm1(self.heads.gaps.median(self._time_logits(hidden)).double())

    @torch.jit.export
    def seconds_at(self, hidden: Tensor, levels: Tensor) -> Tensor:
        """(N, S), (N, Q) in [0, 1] -> float64 (N, Q): these quantiles of the seconds to the next event."""
        return torch.expm1(self.heads.gaps.quantiles(self._time_logits(hidden), levels).double())

    @torch.jit.export
    def within(self, hidden: Tensor, seconds: Tensor) -> Tensor:
        """(N, S), float64 (N,) -> (N,): the probability that the next event comes within these seconds."""
        return self.heads.gaps.within(self._time_logits(hidden), torch.log1p(seconds).float())

    @torch.jit.export
    def churn(self, hidden: Tensor, elapsed: Tensor) -> Tensor:
        """(N, S), float64 (N,) seconds since the last event -> (N,): calibrated probability of churn."""
        recent = self.features.with_recency(hidden[:, self.size : self.body], elapsed)
        return self.heads.churn(hidden[:, : self.size], recent)

    @torch.jit.export
    def churn_summary(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, B): all that `churn` reads of a state, whatever the moment; a fraction of the state's size."""
        summary = hidden[:, self.size : self.body]
        lasting = self.features.lasting(self.features.raw(summary))
        return torch.cat([self.features.rhythm(summary), self.heads.churn_lasting(hidden[:, : self.size], lasting)], 1)

    @torch.jit.export
    def churn_from_summary(self, summary: Tensor, elapsed: Tensor) -> Tensor:
        """(N, B), float64 (N,) -> (N,): what `churn` returns of the state, at a fraction of its cost."""
        wide = 4 + 2 * self.features.decays
        return self.heads.churn_with(summary[:, wide:], self.features.recent(summary[:, :wide], elapsed))

    @torch.jit.export
    def scores(self, hidden: Tensor, elapsed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `next_logits`, `seconds` and `churn` return; what they share is computed once."""
        state, summary = hidden[:, : self.size], hidden[:, self.size : self.body]
        raw = self.features.raw(summary)
        features, lasting = self.features.standardise(raw), self.features.lasting(raw)
        recent = self.features.recent(self.features.rhythm(summary), elapsed)
        logits, log_seconds, risk = self.heads.scores(state, features, lasting, recent)
        return self.counts.mixed(logits, hidden[:, self.body :]), torch.expm1(log_seconds.double()), risk

    @torch.jit.export
    def embed(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, D): the users' representations."""
        return self.heads.embed(hidden[:, : self.size], self.features(hidden[:, self.size : self.body]))

    def _time_logits(self, hidden: Tensor) -> Tensor:
        features = self.features(hidden[:, self.size : self.body])
        return self.heads.time_logits(self.heads.embed(hidden[:, : self.size], features), features)

    def facts_at(self, batch: Batch, position: Tensor) -> Tensor:
        """int64 (P,) -> (P, K + n): what stands behind the encoder's part of new users' states: from no weight."""
        return self._facts_of(batch, True).index_select(0, position)

    def rows_at(self, batch: Batch) -> Optional[tuple[Tensor, Tensor]]:  # noqa: UP045
        """-> int64 (T, R), (T, 2F): the rows and numbers that `embedding` sums, of new users; from no weight either.

        None if the encoder reads events otherwise than as the batch lays them out.
        """
        gaps, known = gaps_of(batch.times, batch.offsets, self._start(batch.offsets, None, None)[1][:, 1])
        rows = self.embedding.rows_of(batch.categories, batch.times, gaps, known)
        return rows, self.embedding.standardise(batch.numbers)

    def hidden_at(
        self,
        batch: Batch,
        position: Tensor,
        rows: Optional[tuple[Tensor, Tensor]],  # noqa: UP045
    ) -> Tensor:
        """What training learns: the encoder's part of the states after some events, of new users.

        Args:
            batch: T events.
            position: int64 (P,), which of them.
            rows: what `rows_at` returned of this batch; None to find them here.

        Returns:
            (P, H).
        """
        if rows is None or not self.training:
            return self._hidden_of(batch, True).index_select(0, position)
        state = self._start(batch.offsets, None, None)[0][:, : self.size]
        x = self.embedding.summed(batch, rows[0], rows[1])
        return self._encoded(x, batch.times, batch.offsets, state, True).index_select(0, position)

    def _hidden_of(self, batch: Batch, each: bool) -> Tensor:
        """-> (T, H), or (N, H) of sequences that are not empty."""
        old, clock = self._start(batch.offsets, None, None)
        gaps, known = gaps_of(batch.times, batch.offsets, clock[:, 1])
        return self._hidden(batch, self.embedding.standardise(batch.numbers), gaps, known, old[:, : self.size], each)

    def _facts_of(self, batch: Batch, each: bool) -> Tensor:
        """-> (T, K + n), or (N, K + n) of sequences that are not empty."""
        old, clock = self._start(batch.offsets, None, None)
        gaps, known = gaps_of(batch.times, batch.offsets, clock[:, 1])
        return torch.cat(
            self._facts(
                batch, self.embedding.standardise(batch.numbers), gaps, known, old[:, self.size :], clock, each
            )[0],
            1,
        )

    def _start(
        self,
        offsets: Tensor,
        hidden: Optional[Tensor],  # noqa: UP045
        clock: Optional[Tensor],  # noqa: UP045
    ) -> tuple[Tensor, Tensor]:
        n = offsets.shape[0] - 1
        if hidden is None:
            hidden = torch.zeros(1, self.state_size, device=offsets.device).expand(n, -1)
        if clock is None:
            clock = torch.full((n, 2), no_time(), device=offsets.device)
        return hidden, clock

    def _run(
        self,
        batch: Batch,
        old: Tensor,  # (N, S)
        clock: Tensor,  # (N, 2)
        each: bool,
    ) -> tuple[Tensor, Tensor]:
        """-> states and clocks of all T events, or of the M non-empty sequences."""
        offsets = batch.offsets
        gaps, known = gaps_of(batch.times, offsets, clock[:, 1])  # (T,)
        standardised = self.embedding.standardise(batch.numbers)  # (T, 2F)
        facts, after = self._facts(batch, standardised, gaps, known, old[:, self.size :], clock, each)
        if each and not self.training:  # they are too many to be copied twice
            states = torch.empty(batch.times.shape[0], self.state_size, device=offsets.device)
            torch.cat(facts, 1, out=states[:, self.size :])
            self._hidden_into(states[:, : self.size], batch, standardised, gaps, known, old[:, : self.size])
            return states, after
        hidden = self._hidden(batch, standardised, gaps, known, old[:, : self.size], each)  # (T, H) or (N, H)
        if not each:
            filled = torch.nonzero(offsets[1:] > offsets[:-1])[:, 0]
            if filled.shape[0] < hidden.shape[0]:
                hidden = hidden.index_select(0, filled)  # (M, H)
        return torch.cat([hidden] + facts, 1), after  # noqa: RUF005 - what TorchScript reads

    def _hidden_into(
        self,
        states: Tensor,  # (T, H), to be filled
        batch: Batch,
        standardised: Tensor,  # (T, 2F)
        gaps: Tensor,  # (T,)
        known_gap: Tensor,  # (T,)
        state: Tensor,  # (N, H)
    ) -> None:
        """Writes the encoder's state after every event."""
        states.copy_(self._hidden(batch, standardised, gaps, known_gap, state, True))

    def _hidden(
        self,
        batch: Batch,
        standardised: Tensor,  # (T, 2F)
        gaps: Tensor,  # (T,)
        known_gap: Tensor,  # (T,)
        state: Tensor,  # (N, H)
        each: bool,
    ) -> Tensor:
        """-> the encoder's (T, H) or (N, H)."""
        x = self.embedding(batch, standardised, gaps, known_gap)  # (T, E)
        return self._encoded(x, batch.times, batch.offsets, state, each)

    def _facts(
        self,
        batch: Batch,
        standardised: Tensor,  # (T, 2F)
        gaps: Tensor,  # (T,)
        known_gap: Tensor,  # (T,)
        old: Tensor,  # (N, K + n)
        clock: Tensor,  # (N, 2)
        each: bool,
    ) -> tuple[list[Tensor], Tensor]:
        """-> columns that make running summaries and last actions (T, K + n) or (M, K + n), and clocks."""
        wide, actions = self.body - self.size, batch.categories[:, 0]
        facts, after = self.summary.parts(
            actions, standardised, batch.times, batch.offsets, gaps, known_gap, old[:, :wide], clock, each
        )
        codes = actions.clamp(max=self.embedding.known + 1)
        facts.append(newest_codes(codes, batch.offsets, old[:, wide:], each))
        return facts, after

    def _encoded(self, x: Tensor, times: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        hidden: Tensor = self.encoder(x, offsets, state, each)
        return hidden
