"""What gated recurrent units share: events read through linear maps alone, and steps over packed sequences."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.ragged.arithmetic import packing_of


class Recurrent(nn.Module):
    """A unit that reads an event x_t by two linear maps alone, one for its gates and one for its candidate.

    What is linear can be applied to whatever x_t is a sum of: see `TabledModel`. A subclass says

    - maps() -> (W (A, E), b (A,), W' (B, E), b' (B,)): the maps of the gates and of the candidate;
    - run(gates (T, A), candidate (T, B), start (M, S), batch_sizes (L,)) -> tensors whose columns, one tensor after
      the other, are the states after every event (T, S), all packed; what it is given may be written over;
    - parallel(x, offsets, state, each): the same as `forward` in the way that is best for gradients.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size  # S

    def forward(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """States of sequences.

        Args:
            x: (T, E), the vectors of the events.
            offsets: int64 (N + 1,), where each sequence begins.
            state: (N, S), the states to go on from.
            each: read a state after every event, not only at the end of each sequence.

        Returns:
            (T, S) if `each`, else (N, S).
        """
        if x.shape[0] == 0:
            return x.new_zeros((0, self.size)) if each else state
        if self.training:
            return self.parallel(x, offsets, state, each)
        order, batch_sizes, position = packing_of(offsets)  # (M,), (L,), (T,)
        packed = torch.empty_like(x).index_copy_(0, position, x)  # (T, E)
        weight, bias, weight_, bias_ = self.maps()
        gates, candidate = F.linear(packed, weight, bias), F.linear(packed, weight_, bias_)
        return self.states(gates, candidate, offsets, state, order, batch_sizes, position, each)

    def states(
        self,
        gates: Tensor,
        candidate: Tensor,
        offsets: Tensor,
        state: Tensor,
        order: Tensor,
        batch_sizes: Tensor,
        position: Tensor,
        each: bool,
    ) -> Tensor:
        """What `forward` returns, from events that are mapped and packed as `packing_of` says.

        Args:
            gates: (T, A), packed; may be written over.
            candidate: (T, B), packed; may be written over.
            offsets: int64 (N + 1,), where each sequence begins.
            state: (N, S), the states to go on from.
            order: int64 (M,), the non-empty sequences by falling length.
            batch_sizes: int64 (L,) on the CPU: how many sequences have each step.
            position: int64 (T,), the packed position of every event.
            each: read a state after every event, not only at the end of each sequence.

        Returns:
            (T, S) if `each`, else (N, S).
        """
        packed = self.run(gates, candidate, state[order], batch_sizes)
        if each:
            parts = [part.index_select(0, position) for part in packed]
            return parts[0] if len(parts) == 1 else torch.cat(parts, 1)  # cat would copy a single one
        ends = position[offsets[1:][order] - 1]  # (M,)
        return state.index_copy(0, order, torch.cat([part.index_select(0, ends) for part in packed], 1))

    def maps(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The two maps."""
        raise NotImplementedError

    def run(self, gates: Tensor, candidate: Tensor, start: Tensor, batch_sizes: Tensor) -> list[Tensor]:
        """Gates and candidates of all events -> states, step by step."""
        raise NotImplementedError

    @torch.jit.unused
    def parallel(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """As `forward`, for training."""
        raise NotImplementedError
