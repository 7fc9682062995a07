"""The codes of the newest events of every sequence, advanced by new events alone."""

import torch
from torch import Tensor

from sqlscore.models.ragged.arithmetic import lengths_of, rows_of


def newest_codes(codes: Tensor, offsets: Tensor, held: Tensor, each: bool) -> Tensor:
    """The last n codes after every event, or after the last event of every sequence that has one, newest first.

    Args:
        codes: (T,) of the events.
        offsets: int64 (N + 1,) of the sequences.
        held: (N, n) the last codes before these events, 0 for none.
        each: whether after every event.

    Returns (T, n) or (M, n), in the type of `held`.
    """
    n = held.shape[1]
    if each:
        row = rows_of(offsets)
        at = torch.arange(codes.shape[0], device=codes.device)
    else:
        row = torch.nonzero(lengths_of(offsets))[:, 0]
        at = offsets[1:][row] - 1
    place = at.unsqueeze(1) - torch.arange(n, device=codes.device)  # (P, n): the event so many before
    missing = offsets[row].unsqueeze(1) - place  # (P, n): from 1 on, it is among those held
    before = held[row].gather(1, (missing - 1).clamp(0, n - 1))
    return torch.where(missing > 0, before, codes.to(held.dtype)[place.clamp(min=0)])
