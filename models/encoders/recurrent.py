"""What gated recurrent units share: events read through one linear map alone, and steps over packed sequences."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sqlscore.models.ragged.arithmetic import one_for_all, packing_of


class Recurrent(nn.Module):
    """A unit that reads an event x_t by a linear map alone, of A numbers: those of its gates, then of its candidate.

    What is linear can be applied to whatever x_t is a sum of: see `TabledModel`. A subclass says

    - maps() -> (W (A, E), b (A,)): the map;
    - begin(start (M, S)) -> what the steps carry on, of the M sequences, in the subclass's own form;
    - run(mapped (T', A), carried, sizes, same, each) -> states after T' events, in whole steps: it moves `carried`
      in place and returns, if `each`, tensors whose columns, one tensor after the other, are the states (T', S), and
      `carried` need only hold what the next step reads; `mapped` may be written over; `same`: all sequences begin
      with the same state, so one product stands for all;
    - end(carried) -> (M, S): the last states;
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
        weight, bias = self.maps()
        carried = self.begin(state.index_select(0, order))
        sizes: list[int] = batch_sizes.tolist()
        after = self.run(F.linear(packed, weight, bias), carried, sizes, one_for_all(state), each)
        if each:
            return torch.cat(after, 1).index_select(0, position)
        return state.index_copy(0, order, self.end(carried))

    def maps(self) -> tuple[Tensor, Tensor]:
        """The map."""
        raise NotImplementedError

    def begin(self, start: Tensor) -> list[Tensor]:
        """States -> what the steps carry on, in memory of its own."""
        raise NotImplementedError

    def run(self, mapped: Tensor, carried: list[Tensor], sizes: list[int], same: bool, each: bool) -> list[Tensor]:
        """Events in whole steps of `sizes` sequences each -> states after them."""
        raise NotImplementedError

    def end(self, carried: list[Tensor]) -> Tensor:
        """What the steps carried on -> states."""
        raise NotImplementedError

    @torch.jit.unused
    def parallel(self, x: Tensor, offsets: Tensor, state: Tensor, each: bool) -> Tensor:
        """As `forward`, for training."""
        raise NotImplementedError
