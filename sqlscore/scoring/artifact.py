"""A loaded artifact: a model as the functions and the refresh use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sqlscore.errors import ModelError
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.counts import Counts
from sqlscore.scoring.encoding import Columns, encode_columns, unknown_counts
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.module import Module
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.states import States

if TYPE_CHECKING:  # an artifact of counts is used without torch
    import torch

    from sqlscore.scoring.batch import Batch
    from sqlscore.scoring.coalescing import Coalescer


class Artifact:
    """A loaded model: immutable, and safe to call from several threads at once. `head_outputs` reads its states.

    Args:
        name: how it is reported, `name@version`.
        sha256: of the artifact's bytes, hexadecimal.
        manifest: what the model reads, and what it can answer.
        module: the model itself, on `device`.
        device: where it computes, "cpu" or "cuda".
        coalescer: encodes for all threads together, on an accelerator; None on the CPU.
        counts: the same model as tables, which are read in its place; None if it is more than counts.
    """

    def __init__(
        self,
        name: str,
        sha256: str,
        manifest: Manifest,
        module: Module,
        device: str,
        coalescer: Coalescer | None = None,
        counts: Counts | None = None,
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self.manifest = manifest
        self.module = module
        self.device = device
        self.coalescer = coalescer
        self.counts = counts

    def encode(self, sequences: Sequences, states: States | None = None, columns: Columns | None = None) -> States:
        """The states after N sequences.

        Args:
            sequences: the events; with `states`, only the new ones.
            states: N states, each of which is advanced by the events of its sequence; folds only.
            columns: what `columns(sequences)` gave, if they have been made already.

        Returns:
            N states on the CPU.

        Raises:
            ModelError: if states are given, and the model is not a fold.
        """
        if states is not None and not self.manifest.fold:
            raise ModelError(f"{self.name} ({self.manifest.architecture}) is not a fold: its states cannot be advanced")
        columns = self.columns(sequences) if columns is None else columns
        counts, unknown = sequences.lengths, unknown_counts(columns, self.manifest.inputs)
        if self.counts is not None:
            given = (None, None) if states is None else (states.hidden, states.clock)
            hidden, clock = self.counts.encode(columns, *given)
        else:
            from sqlscore.scoring.running import encode_columns_by

            hidden, clock = encode_columns_by(self, columns, states)
        if states is not None:
            counts, unknown = counts + states.n_events, unknown + states.n_unknown
        return States(hidden, clock, counts, unknown)

    def encode_to_score(self, sequences: Sequences) -> States:
        """As `encode`, of states that are scored and then forgotten: what no score reads need not be in them."""
        columns = self.columns(sequences)
        if self.counts is None:
            return self.encode(sequences, columns=columns)
        hidden, clock = self.counts.encode(columns, None, None, tally=False)
        return States(hidden, clock, sequences.lengths, unknown_counts(columns, self.manifest.inputs))

    def columns(self, sequences: Sequences) -> Columns:
        """The numbers of the events that this model reads, by its vocabularies."""
        return encode_columns(self.events_read(sequences), self.manifest.inputs)

    def batch(self, sequences: Sequences) -> Batch:
        """The same as tensors."""
        from sqlscore.scoring.batch import batch_of

        return batch_of(self.columns(sequences))

    def events_read(self, sequences: Sequences) -> Sequences:
        """What this model reads of the sequences: all events, or the newest `max_events`."""
        return sequences if self.manifest.max_events is None else sequences.newest(self.manifest.max_events)

    def encode_each(self, sequences: Sequences) -> States:
        """The state after every event, each from the events up to it alone: T rows in the order of the events."""
        self.require_causal()
        columns = encode_columns(sequences, self.manifest.inputs)
        if self.counts is not None:
            hidden, clock = self.counts.encode_each(columns)
        else:
            from sqlscore.scoring.running import encode_each_by

            hidden, clock = encode_each_by(self, columns)
        starts = np.repeat(sequences.offsets[:-1], sequences.lengths)
        unknown = np.append(0, np.cumsum(columns.categories[:, 0] > len(self.manifest.inputs.actions)))
        position = np.arange(len(starts))
        return States(hidden, clock, position + 1 - starts, unknown[position + 1] - unknown[starts])

    def require_causal(self) -> None:
        """Raises ModelError if one pass over the events does not give the state after each of them."""
        if "encode_each" not in self.manifest.capabilities or self.manifest.max_events is not None:
            raise ModelError(
                f"{self.name} ({self.manifest.architecture}) reads a window or both directions, so it has no state "
                "after every event: use a fold such as gru, or the functions with OVER"
            )

    def encode_batch(
        self, batch: Batch, hidden: torch.Tensor | None = None, clock: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Ragged tensors, and the states (N, S) and clocks (N, 2) to advance -> those after them, on the CPU."""
        from sqlscore.scoring.running import encode_batch_by

        return encode_batch_by(self, batch, hidden, clock)

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
