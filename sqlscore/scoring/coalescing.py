"""Encoding on an accelerator: the batches of several threads as one, and copies that overlap with computing.

An accelerator is idle while small batches come one by one. Threads that arrive while another computes wait, and what
has gathered by then is one batch, as a group commit is one write. Nobody waits for company: a lone call runs at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import torch

from sqlscore.events.mapping import NO_TIME
from sqlscore.scoring.batch import Batch, join
from sqlscore.scoring.inference import inference
from sqlscore.scoring.module import Module

MOST_EVENTS = 1_000_000
"""In one joined batch, unless a single one has more: its inner tensors are some hundred bytes an event and unit."""

Encoded = tuple[torch.Tensor, torch.Tensor]  # hidden float32 (N, S), clock int64 (N, 2)


@dataclass
class _Call:
    """What one thread wants encoded. The tensors are on the device, or on their way; `copied` says when they are."""

    batch: Batch
    hidden: torch.Tensor | None
    clock: torch.Tensor | None
    copied: Any = None  # torch.cuda.Event
    encoded: Encoded | None = None
    error: Exception | None = None
    done: bool = False


class Coalescer:
    """Encodes for several threads with one module. Each gets what it would alone; results are on the CPU."""

    def __init__(self, module: Module, device: torch.device, known: int, state_size: int) -> None:
        self._module = module
        self._device = device
        self._known = known
        self._state_size = state_size
        self._turn = threading.Condition()
        self._waiting: list[_Call] = []
        self._busy = False
        self._own = threading.local()
        self.joined = 0  # batches that were computed together with an earlier one

    def __call__(self, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None) -> Encoded:
        """What the module's `encode` returns. An error is that of the caller's own batch.

        Args:
            batch: N sequences.
            hidden: float32 (N, S), the states to advance; None for new users.
            clock: int64 (N, 2), theirs.

        Returns:
            hidden float32 (N, S) and clock int64 (N, 2), on the CPU.
        """
        call = self._copied(batch, hidden, clock)
        with self._turn:
            self._waiting.append(call)
            while self._busy and not call.done:
                self._turn.wait()
            group = [] if call.done else self._next_group(call)
            self._busy = self._busy or bool(group)
        if group:
            try:
                self._compute(group)
            finally:
                with self._turn:
                    self._busy = False
                    self._turn.notify_all()
        if call.encoded is None:
            raise call.error or RuntimeError("the thread that computed for this one was stopped")
        return call.encoded[0].cpu(), call.encoded[1].cpu()

    def _next_group(self, call: _Call) -> list[_Call]:
        """This call and those that wait with it, up to MOST_EVENTS; the others stay."""
        group, events = [call], call.batch.times.shape[0]
        for other in [other for other in self._waiting if other is not call]:
            if events + other.batch.times.shape[0] <= MOST_EVENTS:
                group.append(other)
                events += other.batch.times.shape[0]
        self._waiting = [other for other in self._waiting if all(other is not one for one in group)]
        return group

    def _compute(self, group: list[_Call]) -> None:
        try:
            self._run(group)
            self.joined += len(group) - 1
        except Exception as error:  # noqa: BLE001 - whose fault it is shows when each is alone
            if len(group) == 1:
                group[0].error = error
            else:
                for call in group:
                    self._compute([call])
        finally:
            for call in group:
                call.done = True

    def _run(self, group: list[_Call]) -> None:
        for call in group:
            if call.copied is not None:
                torch.cuda.current_stream(self._device).wait_event(call.copied)
        batch = group[0].batch if len(group) == 1 else join([call.batch for call in group], self._known)
        hidden, clock = None, None
        if any(call.hidden is not None for call in group):
            starts = [self._start(call) for call in group]
            hidden, clock = torch.cat([start[0] for start in starts]), torch.cat([start[1] for start in starts])
        with inference():
            hidden, clock = self._module.encode(batch, hidden, clock)
        sizes = [call.batch.size for call in group]
        for call, own_hidden, own_clock in zip(
            group, torch.split(hidden, sizes), torch.split(clock, sizes), strict=True
        ):
            call.encoded = (own_hidden, own_clock)

    def _start(self, call: _Call) -> Encoded:
        """The states that a call continues from: those of new users if it gives none."""
        if call.hidden is not None and call.clock is not None:
            return call.hidden, call.clock
        rows = call.batch.size
        return (
            torch.zeros(rows, self._state_size, device=self._device),
            torch.full((rows, 2), NO_TIME, dtype=torch.int64, device=self._device),
        )

    def _copied(self, batch: Batch, hidden: torch.Tensor | None, clock: torch.Tensor | None) -> _Call:
        """On the device: on CUDA from pinned memory by a stream of the thread's own, while others compute."""
        if self._device.type != "cuda":
            on = [None if part is None else part.to(self._device) for part in (hidden, clock)]
            return _Call(batch.to(self._device), on[0], on[1])
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        computing = torch.cuda.current_stream(self._device)

        def copy(tensor: torch.Tensor) -> torch.Tensor:
            moved = tensor.pin_memory().to(self._device, non_blocking=True)
            moved.record_stream(computing)  # its memory is not given away while it is computed with
            return moved

        with torch.cuda.stream(self._own.stream):
            moved = Batch(*map(copy, batch))
            states = [None if part is None else copy(part) for part in (hidden, clock)]
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            copied.record()
        return _Call(moved, states[0], states[1], copied)
