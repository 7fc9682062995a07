"""Linear recurrences over events end to end, in stretches that run side by side."""

from __future__ import annotations

from torch import Tensor


def scan_(keep: Tensor, h: Tensor) -> None:
    """h_t = keep_t h_{t-1} + h_t for t = 1 .. T - 1, in place, element by element.

    A stretch of 16 events is run from nothing, all stretches side by side; their last states, and the products of
    their gates, are a recurrence of the same kind a sixteenth as long. So T events take 15 steps a level instead of
    T - 1 steps (prefix sums by blocks: Blelloch 1990, CMU-CS-90-190, section 1.4). Where sequences stand end to end,
    keep must be 0 at the first event of each. Products of gates in [0, 1] only ever vanish: no logarithms are needed.

    Args:
        keep: (T, C); written over.
        h: (T, C), what each event adds; then the states.
    """
    stretch, channels = 16, keep.shape[1]
    keeps, states = [keep], [h]
    while states[-1].shape[0] >= 2 * stretch:
        at = states[-1].shape[0] // stretch
        gates = keeps[-1][: at * stretch].view(at, stretch, channels)  # (at, 16, C)
        parts = states[-1][: at * stretch].view(at, stretch, channels)
        gate, part = gates.unbind(1), parts.unbind(1)
        for t in range(1, stretch):
            part[t].addcmul_(gate[t], part[t - 1])
            gate[t].mul_(gate[t - 1])
        keeps.append(gate[stretch - 1])
        states.append(part[stretch - 1])
    for level in range(len(states) - 1, -1, -1):
        gates, parts = keeps[level], states[level]
        done = 1  # events that are right
        if level + 1 < len(states):
            before = states[level + 1]
            at = before.shape[0]
            done = at * stretch
            inner = parts[stretch:done].view(at - 1, stretch, channels)[:, : stretch - 1]
            inner.addcmul_(
                gates[stretch:done].view(at - 1, stretch, channels)[:, : stretch - 1], before[:-1].unsqueeze(1)
            )
        for t in range(done, parts.shape[0]):
            parts[t].addcmul_(gates[t], parts[t - 1])
