"""What scoring calls on the module of a model, and what only some modules can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from sqlscore.scoring.batch import Batch

CAPABILITIES = ("encode_each", "scores", "seconds_at", "churn_summary", "attention")
"""Methods that only some modules have. A manifest lists those of its module."""


class Module(Protocol):
    """A model as scoring calls it, loaded from TorchScript or not. S: floats of a state. V: known actions."""

    def encode(self, batch: Batch, hidden: Tensor | None, clock: Tensor | None) -> tuple[Tensor, Tensor]:
        """-> (state float32 (N, S), clock int64 (N, 2)) after each sequence, advanced from the given ones if any."""
        ...

    def next_logits(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, V), calibrated."""
        ...

    def seconds(self, hidden: Tensor) -> Tensor:
        """(N, S) -> float64 (N,): median of the seconds from the last event to the next."""
        ...

    def churn(self, hidden: Tensor, elapsed: Tensor) -> Tensor:
        """(N, S), float64 (N,) seconds since the last event -> (N,): calibrated probability of churn."""
        ...

    def embed(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, D): the users' representations."""
        ...

    def parameters(self) -> Iterator[Tensor]:
        """The learned tensors."""
        ...

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """The other tensors, each with its name."""
        ...

    def encode_each(self, batch: Batch, hidden: Tensor | None, clock: Tensor | None) -> tuple[Tensor, Tensor]:
        """-> (state (T, S), clock (T, 2)) after every event. A capability, as are all methods below."""
        ...

    def scores(self, hidden: Tensor, elapsed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `next_logits`, `seconds` and `churn` return; what they share is computed once."""
        ...

    def seconds_at(self, hidden: Tensor, levels: Tensor) -> Tensor:
        """(N, S), (N, Q) in [0, 1] -> float64 (N, Q): quantiles of the seconds to the next event. With `within`."""
        ...

    def within(self, hidden: Tensor, seconds: Tensor) -> Tensor:
        """(N, S), float64 (N,) -> (N,): the probability that the next event comes within these seconds."""
        ...

    def churn_summary(self, hidden: Tensor) -> Tensor:
        """(N, S) -> (N, B): all that `churn` reads of a state, whatever the moment. Comes with `churn_from_summary`."""
        ...

    def churn_from_summary(self, summary: Tensor, elapsed: Tensor) -> Tensor:
        """(N, B), float64 (N,) -> (N,): what `churn` returns for the state."""
        ...

    def attention(self, batch: Batch) -> Tensor:
        """-> (T,): the weight of every event in its sequence's score."""
        ...


def capabilities_of(module: object) -> tuple[str, ...]:
    """The CAPABILITIES that a module has, eager or loaded."""
    return tuple(name for name in CAPABILITIES if hasattr(module, name))
