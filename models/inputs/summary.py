"""Running summaries of a sequence: order-free facts that every head reads beside the encoder's state."""

import torch
from torch import Tensor, nn

from sqlscore.models.ragged.arithmetic import (
    has_time,
    lengths_of,
    one_for_all,
    rows_of,
    seconds_between,
    states_of,
)
from sqlscore.models.ragged.scan import scan_

SCALARS = 12


class Summary(nn.Module):
    """K running numbers per user, exact when a state is advanced by new events alone.

    In order: counts of the A most frequent actions, others first (A + 1); SCALARS; decayed counts of events, then of
    visits, one each per time constant (2D); mean, share present and last value of each numeric column (3F).
    A visit ends with a gap of more than `visit_gap` seconds. Means, not sums, are kept: they stay small, so that
    float32 is enough for 10^6 events.
    """

    rates: Tensor

    def __init__(self, counted: int, numeric: int, decay_seconds: tuple[float, ...], visit_gap: float) -> None:
        super().__init__()
        self.counted = counted
        self.numeric = numeric
        self.decays = len(decay_seconds)
        self.visit_gap = visit_gap
        self.tail = counted + 1 + SCALARS  # where the decayed counts begin
        self.size = self.tail + 2 * len(decay_seconds) + 3 * numeric
        self.register_buffer("rates", 1e-6 / torch.tensor(decay_seconds).double())  # per µs

    def forward(
        self,
        actions: Tensor,  # int64 (T,)
        standardised: Tensor,  # (T, 2F): numbers, missing flags
        times: Tensor,  # int64 (T,)
        offsets: Tensor,  # int64 (N + 1,)
        gaps: Tensor,  # float64 (T,)
        known_gap: Tensor,  # bool (T,)
        old: Tensor,  # (N, K): zeros for a new user
        clock: Tensor,  # int64 (N, 2)
        each: bool,
    ) -> tuple[Tensor, Tensor]:
        """-> (float32 (P, K), clock int64 (P, 2)) after every event if `each`, else after each sequence's last."""
        parts, after = self.parts(actions, standardised, times, offsets, gaps, known_gap, old, clock, each)
        return torch.cat(parts, 1), after

    def parts(
        self,
        actions: Tensor,
        standardised: Tensor,
        times: Tensor,
        offsets: Tensor,
        gaps: Tensor,
        known_gap: Tensor,
        old: Tensor,
        clock: Tensor,
        each: bool,
    ) -> tuple[list[Tensor], Tensor]:
        """As `forward`, the summaries as tensors whose columns follow each other."""
        row = rows_of(offsets)  # (T,)
        index = torch.arange(times.shape[0], device=times.device)
        first = offsets.index_select(0, row)  # (T,): where the event's sequence starts
        begun = (old[:, self.counted + 1] == 0).index_select(0, row)  # (T,): no event before
        begins = (known_gap & (gaps > self.visit_gap)) | ((index == first) & begun)
        visit = torch.cummax(torch.where(begins, index, -1), 0)[0]  # (T,): start of the visit, < first if before
        at = times.double().masked_fill(~has_time(times), 0.0)  # (T,)
        if each:
            here, rows = index, row
            counts = self._running_counts(actions, first)
            weights = torch.zeros(0, times.shape[0], dtype=at.dtype, device=at.device)
        else:
            rows = torch.nonzero(lengths_of(offsets))[:, 0]  # (M,)
            here = offsets[1:][rows] - 1
            counts = self._final_counts(actions, row, old.shape[0])[rows]
            age = at.index_select(0, offsets[1:].index_select(0, row) - 1) - at  # (T,) µs
            # (D, T); the clamp is for speed: exp is slow where it underflows
            weights = torch.exp((-age * self.rates.unsqueeze(1)).clamp(min=-80.0))
        sums = self._sums(standardised, gaps, known_gap, begins, weights)  # (C, T + 1) from the batch's start
        new_users = one_for_all(old) and not bool(old[:1].any())
        old, clock = states_of(old, rows), clock[rows]  # (P, ..)
        start, visit = (first, visit) if each else (offsets[:-1][rows], visit[here])  # (P,)
        n_old, gaps_old, log_gap, visits_old, visit_gap, visit_gap_sq, last_visit_gap, _, _, in_visit, visit_s, _ = (
            old[:, self.counted + 1 : self.tail].double().unbind(1)
        )
        ends = sums[:, 1:] if each else sums.index_select(1, here + 1)
        new = (ends - sums.index_select(1, start)).t()  # (P, C)
        decayed = self._running_decay(at, begins, first) if each else new[:, 5 + 2 * self.numeric :]  # (P, 2D)
        now, last = times[here], clock[:, 1]
        beginning = torch.where(has_time(clock[:, 0]), clock[:, 0], times[start])
        inside, at_visit = visit >= start, visit.clamp(min=0)
        began = torch.where(inside, times[at_visit], last)
        carried = (~inside).double()
        n = n_old + (here - start + 1)
        n_gaps, visits = gaps_old + new[:, 0], visits_old + new[:, 2]
        between, between_old = (visits - 1).clamp(min=0), (visits_old - 1).clamp(min=0)
        visit_log_gap = torch.where(known_gap[at_visit], torch.log1p(gaps[at_visit]), 0.0)
        facts = [
            n,
            n_gaps,
            _mean(log_gap, gaps_old, new[:, 1], n_gaps),
            visits,
            _mean(visit_gap, between_old, new[:, 3], between),
            _mean(visit_gap_sq, between_old, new[:, 4], between),
            torch.where(inside, visit_log_gap, last_visit_gap),
            _elapsed(now, beginning),
            torch.where(known_gap[here], torch.log1p(gaps[here]), 0.0),
            in_visit * carried + (here + 1 - torch.maximum(visit, start)).double(),
            visit_s * carried + _elapsed(now, began),
            has_time(now).double(),
        ]
        if not new_users:
            fade = torch.exp(-(_elapsed(now, last) * 1e6).unsqueeze(1) * self.rates)  # (P, D)
            decayed = decayed + torch.cat([fade, fade], 1) * old[:, self.tail : self.tail + 2 * self.decays]
            counts = old[:, : self.counted + 1] + counts
        numbers = self._numbers(
            old[:, self.tail + 2 * self.decays :],
            new[:, 5 : 5 + 2 * self.numeric],
            standardised[here],
            n_old,
            n,
        )
        parts = [
            counts.float(),
            torch.stack(facts).float().t(),
            decayed.float(),
            numbers,
        ]
        return parts, torch.stack([beginning, now], 1)

    def _sums(self, standardised: Tensor, gaps: Tensor, known_gap: Tensor, begins: Tensor, weights: Tensor) -> Tensor:
        """(5 + 2F + 2D, T + 1) running sums over the whole batch, in double so that a difference is exact enough."""
        f, d = standardised.shape[1], weights.shape[0]
        values = torch.empty(5 + f + 2 * d, gaps.shape[0] + 1, dtype=gaps.dtype, device=gaps.device)
        values[:, 0] = 0.0
        values[0, 1:] = known_gap
        values[1, 1:] = torch.log1p(gaps)  # 0 where unknown
        values[2, 1:] = begins
        values[3, 1:] = values[1, 1:] * (known_gap & begins)
        values[4, 1:] = values[3, 1:] * values[3, 1:]
        values[5 : 5 + f, 1:] = standardised.t()
        values[5 + f : 5 + f + d, 1:] = weights
        values[5 + f + d :, 1:] = weights * begins
        return values.cumsum_(1)

    def _slots(self, actions: Tensor) -> Tensor:
        """Codes come by falling frequency: 1..A have a slot each, all others share slot 0."""
        return actions.masked_fill(actions > self.counted, 0)

    def _final_counts(self, actions: Tensor, row: Tensor, n: int) -> Tensor:
        wide = self.counted + 1
        return torch.bincount(row * wide + self._slots(actions), minlength=n * wide).view(n, wide)

    def _running_counts(self, actions: Tensor, first: Tensor) -> Tensor:
        ones = torch.zeros(actions.shape[0] + 1, self.counted + 1, dtype=torch.int32, device=actions.device)
        ones[1:].scatter_(1, self._slots(actions).unsqueeze(1), 1)
        running = ones.cumsum_(0)  # (T + 1, A + 1)
        return running[1:] - running.index_select(0, first)

    def _running_decay(self, at: Tensor, begins: Tensor, first: Tensor) -> Tensor:
        """(T, 2D): sums of exp(-age / time constant) over events and over starts of visits, after every event."""
        sums = torch.stack([torch.ones_like(at), begins.double()], 1)  # (T, 2)
        sums = sums.repeat_interleave(self.decays, 1)  # (T, 2D)
        fade = torch.zeros_like(sums)
        since = (at[1:] - at[:-1]).clamp(min=0.0)  # (T - 1,) µs
        # the clamp is for speed: exp is slow where it underflows
        faded = torch.exp((-since.unsqueeze(1) * self.rates).clamp(min=-80.0))  # (T - 1, D)
        fade[1:].view(faded.shape[0], 2, self.decays).copy_(faded.unsqueeze(1))
        scan_(fade.masked_fill_((first == torch.arange(first.shape[0], device=at.device)).unsqueeze(1), 0.0), sums)
        return sums

    def _numbers(self, old: Tensor, new: Tensor, current: Tensor, old_n: Tensor, n: Tensor) -> Tensor:
        """(P, 3F): mean over present values, share of events where present, value at the last event."""
        f = self.numeric
        held = old[:, f : 2 * f].double() * old_n.unsqueeze(1)  # (P, F): how many were present
        present = held + (n - old_n).unsqueeze(1) - new[:, f:]
        mean = _mean(old[:, :f], held, new[:, :f], present)
        return torch.cat([mean, present / n.unsqueeze(1), current[:, :f].double()], 1).float()


def _mean(old: Tensor, old_count: Tensor, added: Tensor, count: Tensor) -> Tensor:
    return (old.double() * old_count + added) / count.clamp(min=1.0)


def _elapsed(later: Tensor, earlier: Tensor) -> Tensor:
    """Seconds from one time to a later one, 0 if either is unknown."""
    return seconds_between(later, earlier) * (has_time(later) & has_time(earlier))
