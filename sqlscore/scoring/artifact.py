"""A loaded artifact: a model as the functions and the refresh use it."""

from __future__ import annotations

import math

import numpy as np
import torch

from sqlscore.errors import ModelError
from sqlscore.events.mapping import NO_TIME, US_PER_SECOND
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.batch import EVENTS, Batch, by_length
from sqlscore.scoring.coalescing import Coalescer
from sqlscore.scoring.encoding import encode_sequences, unknown_counts
from sqlscore.scoring.inference import inference
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.module import Module
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.states import States

SURE = 1e-4
ROWS = 4_096
"""States that go through the heads at once: what is made of them stays in a core's cache."""
_SHORT = 16
"""Numbers that a processor works on at once: torch vectorises the softmax of rows that are longer."""


class Artifact:
    """A loaded model: immutable, and safe to call from several threads at once.

    name: how it is reported, `name@version`. coalescer: encodes for all threads together, on an accelerator.
    """

    def __init__(
        self,
        name: str,
        sha256: str,
        manifest: Manifest,
        module: Module,
        device: torch.device,
        coalescer: Coalescer | None = None,
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self.manifest = manifest
        self.module = module
        self.device = device
        self.coalescer = coalescer

    def encode(self, sequences: Sequences, states: States | None = None) -> States:
        """Sequences -> states; with `states`, each is advanced by the new events of its sequence (folds only)."""
        return self.encode_prepared(sequences, self.batch(sequences), states)

    def batch(self, sequences: Sequences) -> Batch:
        """The tensors that this model reads of the sequences: its newest `max_events`, by its vocabularies."""
        if self.manifest.max_events is not None:
            sequences = sequences.newest(self.manifest.max_events)
        return encode_sequences(sequences, self.manifest.inputs)

    def encode_prepared(self, sequences: Sequences, batch: Batch, states: States | None = None) -> States:
        """What `encode` returns, from the batch that `batch(sequences)` made."""
        if states is not None and not self.manifest.fold:
            raise ModelError(f"{self.name} ({self.manifest.architecture}) is not a fold: its states cannot be advanced")
        counts, unknown = sequences.lengths, unknown_counts(batch, self.manifest.inputs)
        hidden, clock = self.encode_batch(batch, states)
        if states is not None:
            counts, unknown = counts + states.n_events, unknown + states.n_unknown
        return States(hidden, clock, counts, unknown)

    def encode_each(self, sequences: Sequences) -> States:
        """The state after every event, each from the events up to it alone: T rows in the order of the events."""
        self.require_causal()
        batch = encode_sequences(sequences, self.manifest.inputs)
        with inference():
            hidden, clock = self.module.encode_each(batch.to(self.device), None, None)
        starts = np.repeat(sequences.offsets[:-1], sequences.lengths)
        unknown = np.append(0, np.cumsum(batch.categories[:, 0].numpy() > len(self.manifest.inputs.actions)))
        position = np.arange(len(starts))
        return States(hidden.cpu(), clock.cpu(), position + 1 - starts, unknown[position + 1] - unknown[starts])

    def require_causal(self) -> None:
        """Raises ModelError if one pass over the events does not give the state after each of them."""
        if "encode_each" not in self.manifest.capabilities or self.manifest.max_events is not None:
            raise ModelError(
                f"{self.name} ({self.manifest.architecture}) reads a window or both directions, so it has no state "
                "after every event: use a fold such as gru, or the functions with OVER"
            )

    def encode_batch(self, batch: Batch, states: States | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Ragged tensors -> (hidden float32 (N, S), clock int64 (N, 2)) on the CPU."""
        old = (None, None) if states is None else (states.hidden, states.clock)
        if self.coalescer is not None:
            return self.coalescer(batch, *old)
        if self.device.type != "cpu" or batch.times.shape[0] <= EVENTS:
            return self._encode(batch, *old)
        hidden = torch.empty(batch.size, self.manifest.state_size)
        clock = torch.empty(batch.size, 2, dtype=torch.int64)
        for rows, piece in by_length(batch):
            found = self._encode(piece, *(None if part is None else part.index_select(0, rows) for part in old))
            hidden.index_copy_(0, rows, found[0])
            clock.index_copy_(0, rows, found[1])
        return hidden, clock

    def _encode(
        self, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with inference():
            given = (None if part is None else part.to(self.device) for part in (hidden, clock))
            hidden, clock = self.module.encode(batch.to(self.device), *given)
        return hidden.cpu(), clock.cpu()

    def probabilities(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> (N, V) calibrated probabilities of the next action, in the order of `inputs.actions`."""
        with inference():
            logits: torch.Tensor = self.module.next_logits(hidden.to(self.device))
        return _shares(logits).cpu()

    def seconds(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> float64 (N,) predicted median of the seconds from the last event to the next."""
        with inference():
            seconds: torch.Tensor = self.module.seconds(hidden.to(self.device))
        return seconds.double().cpu()

    def churn(self, hidden: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor) -> torch.Tensor:
        """(N, S), (N, 2), int64 (N,) µs -> float32 (N,) calibrated probability of no event within the horizon.

        Training saw nobody who had been silent for longer than the lookback. Beyond it the chance of return at the
        lookback shrinks in proportion to the silence, so that the risk goes on rising instead of following the head
        beyond what it has learned. Probabilities keep SURE away from 0 and 1, which no finite sample can promise.
        """
        silence, elapsed = self._silence(clock, as_of)
        with inference():
            risk: torch.Tensor = self.module.churn(hidden.to(self.device), elapsed.to(self.device)).double().cpu()
        return _beyond_lookback(risk, silence, elapsed)

    @property
    def keeps_churn_summary(self) -> bool:
        """Whether the churn head can read a fraction of a state, its `churn_summary`."""
        return "churn" in self.manifest.heads and "churn_summary" in self.manifest.capabilities

    def churn_summary(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> float32 (N, B): what the churn head needs of a state, whatever the moment."""
        with inference():
            parts = [self.module.churn_summary(part.to(self.device)).cpu() for part in torch.split(hidden, ROWS)]
        return torch.cat(parts)

    def churn_from_summary(self, summary: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor) -> torch.Tensor:
        """(N, B), (N, 2), int64 (N,) µs -> what `churn` returns for the states of these summaries."""
        silence, elapsed = self._silence(clock, as_of)
        with inference():
            risk: torch.Tensor = self.module.churn_from_summary(summary.to(self.device), elapsed.to(self.device))
        return _beyond_lookback(risk.double().cpu(), silence, elapsed)

    def scores(
        self, hidden: torch.Tensor, clock: torch.Tensor, as_of: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What `probabilities`, `seconds` and `churn` return; what they share is computed once, if the model can."""
        silence, elapsed = self._silence(clock, as_of)
        found = []
        for start in range(0, len(hidden), ROWS) or (0,):
            rows = slice(start, start + ROWS)
            if "scores" not in self.manifest.capabilities:
                some = hidden[rows]
                found.append((self.probabilities(some), self.seconds(some), self.churn(some, clock[rows], as_of[rows])))
                continue
            with inference():
                logits, seconds, risk = self.module.scores(hidden[rows].to(self.device), elapsed[rows].to(self.device))
            known = _beyond_lookback(risk.double().cpu(), silence[rows], elapsed[rows])
            found.append((_shares(logits).cpu(), seconds.double().cpu(), known))
        probabilities, seconds, risk = (torch.cat(parts) for parts in zip(*found, strict=True))
        return probabilities, seconds, risk

    def _silence(self, clock: torch.Tensor, as_of: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """float64 (N,) seconds since the last event, and the same with the lookback as its limit."""
        silence = (as_of.double() - clock[:, 1].double()) / US_PER_SECOND
        return silence, silence.clamp(max=self.manifest.lookback_seconds or math.inf)

    def embed(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, S) -> float32 (N, D): the users' representations."""
        with inference():
            vectors: torch.Tensor = self.module.embed(hidden.to(self.device))
        return vectors.cpu()

    def require(self, head: str) -> None:
        """Raises ModelError, with the reason that training gave, if the model lacks this head."""
        if head not in self.manifest.heads:
            reason = TrainingNotes.from_json(self.manifest.notes).why_without(head)
            raise ModelError(f"model {self.name} has no {head} head: {reason}")


def _shares(logits: torch.Tensor) -> torch.Tensor:
    """Softmax of the rows. Of short ones torch vectorises it the other way round alone: a sixth of the cost for 12."""
    if logits.shape[1] >= _SHORT:
        return torch.softmax(logits, 1)
    return torch.softmax(logits.t().contiguous(), 0).t()


def _beyond_lookback(risk: torch.Tensor, silence: torch.Tensor, elapsed: torch.Tensor) -> torch.Tensor:
    returns = (1 - risk) * (elapsed / silence).nan_to_num(1.0)
    return (1 - returns).clamp(SURE, 1 - SURE).float()


def without_times(clock: torch.Tensor) -> torch.Tensor:
    """(N, 2) -> bool (N,): states that came from plain lists of actions."""
    return clock[:, 1] == NO_TIME
