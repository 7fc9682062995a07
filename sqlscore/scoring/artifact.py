"""A loaded artifact: a model as the functions and the refresh use it."""

from __future__ import annotations

import numpy as np
import torch

from sqlscore.errors import ModelError
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.batch import EVENTS, Batch, by_length
from sqlscore.scoring.coalescing import Coalescer
from sqlscore.scoring.encoding import encode_sequences, unknown_counts
from sqlscore.scoring.inference import inference
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.module import Module
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.states import States


class Artifact:
    """A loaded model: immutable, and safe to call from several threads at once. `head_outputs` reads its states.

    Args:
        name: how it is reported, `name@version`.
        sha256: of the artifact's bytes, hexadecimal.
        manifest: what the model reads, and what it can answer.
        module: the model itself, on `device`.
        device: where it computes.
        coalescer: encodes for all threads together, on an accelerator; None on the CPU.
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

    def encode(self, sequences: Sequences, states: States | None = None, batch: Batch | None = None) -> States:
        """The states after N sequences.

        Args:
            sequences: the events; with `states`, only the new ones.
            states: N states, each of which is advanced by the events of its sequence; folds only.
            batch: what `batch(sequences)` gave, if it has been made already.

        Returns:
            N states on the CPU.

        Raises:
            ModelError: if states are given, and the model is not a fold.
        """
        if states is not None and not self.manifest.fold:
            raise ModelError(f"{self.name} ({self.manifest.architecture}) is not a fold: its states cannot be advanced")
        batch = self.batch(sequences) if batch is None else batch
        counts, unknown = sequences.lengths, unknown_counts(batch, self.manifest.inputs)
        hidden, clock = self.encode_batch(batch, states)
        if states is not None:
            counts, unknown = counts + states.n_events, unknown + states.n_unknown
        return States(hidden, clock, counts, unknown)

    def encode_to_score(self, sequences: Sequences) -> States:
        """As `encode`, of states that are scored and then forgotten: what no score reads need not be in them."""
        batch = self.batch(sequences)
        if "encode_to_score" not in self.manifest.capabilities:
            return self.encode(sequences, batch=batch)
        with inference():
            hidden, clock = self.module.encode_to_score(batch.to(self.device))
        return States(hidden.cpu(), clock.cpu(), sequences.lengths, unknown_counts(batch, self.manifest.inputs))

    def batch(self, sequences: Sequences) -> Batch:
        """The tensors of the events that this model reads, by its vocabularies."""
        return encode_sequences(self.events_read(sequences), self.manifest.inputs)

    def events_read(self, sequences: Sequences) -> Sequences:
        """What this model reads of the sequences: all events, or the newest `max_events`."""
        return sequences if self.manifest.max_events is None else sequences.newest(self.manifest.max_events)

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
            return self._run(batch, *old)
        hidden = torch.empty(batch.size, self.manifest.state_size)
        clock = torch.empty(batch.size, 2, dtype=torch.int64)
        for rows, piece in by_length(batch):
            of_rows = (None if part is None else part.index_select(0, rows) for part in old)
            hidden_of_rows, clock_of_rows = self._run(piece, *of_rows)
            hidden.index_copy_(0, rows, hidden_of_rows)
            clock.index_copy_(0, rows, clock_of_rows)
        return hidden, clock

    def _run(
        self, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with inference():
            given = (None if part is None else part.to(self.device) for part in (hidden, clock))
            hidden, clock = self.module.encode(batch.to(self.device), *given)
        return hidden.cpu(), clock.cpu()

    @property
    def keeps_churn_summary(self) -> bool:
        """Whether the churn head can read a fraction of a state, its `head_outputs.churn_summary`."""
        return "churn" in self.manifest.heads and "churn_summary" in self.manifest.capabilities

    @property
    def knows_distribution(self) -> bool:
        """Whether the model says of the time to the next event more than its median."""
        return "time_to_next" in self.manifest.heads and "seconds_at" in self.manifest.capabilities

    def require_distribution(self) -> None:
        """Raises ModelError if the model says nothing of the time to the next event, or the median alone."""
        self.require("time_to_next")
        if not self.knows_distribution:
            raise ModelError(
                f"model {self.name} knows the median of the time to the next action alone, since an older sqlscore "
                "trained it: train again, or use seconds_to_next_action"
            )

    def require(self, head: str) -> None:
        """Raises ModelError, with the reason that training gave, if the model lacks this head."""
        if head not in self.manifest.heads:
            reason = TrainingNotes.from_json(self.manifest.notes).why_without(head)
            raise ModelError(f"model {self.name} has no {head} head: {reason}")
