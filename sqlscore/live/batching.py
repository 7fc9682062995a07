"""Requests that wait together are scored together: as a group commit, so that nobody waits for company.

A request that comes while nothing is scored begins at once. Those that come meanwhile gather, and are the next batch:
the busier the server, the larger its batches, without a delay to tune.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlscore.live.asked import Asked
from sqlscore.live.limits import Limits
from sqlscore.live.refusals import Refusal
from sqlscore.live.scoring import Columns, Scores

Waiting = tuple[Asked, "asyncio.Future[Columns]"]


class Batcher:
    """Gathers requests on one event loop, and scores them in one thread.

    Args:
        score: scores requests with one key.
        limits: how many may wait, and be scored together.
        scored: is called with the sizes (requests, sequences, events) of every batch.
    """

    def __init__(
        self,
        score: Callable[[Sequence[Asked]], list[Scores]],
        limits: Limits,
        scored: Callable[[int, int, int], None] = lambda *_: None,
    ) -> None:
        """See the class."""
        self._score = score
        self._limits = limits
        self._scored = scored
        self._waiting: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlscore-score")
        self._work: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    async def scores(self, asked: Asked) -> Columns:
        """The scores of one request. Raises Refusal: of the request itself, or 429 if too many wait."""
        self._refuse_crowd()
        future: asyncio.Future[Columns] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        try:
            return await future
        except asyncio.CancelledError:  # its time is over: it leaves its place to others
            self._waiting = deque(other for other in self._waiting if other[1] is not future)
            raise

    def _refuse_crowd(self) -> None:
        events = sum(asked.n_events for asked, _ in self._waiting)
        if len(self._waiting) >= self._limits.waiting or events >= self._limits.waiting_events:
            raise Refusal(
                429,
                "",
                f"{len(self._waiting):,} requests with {events:,} events wait already: ask again in a second, or send "
                "several sequences in one request",
                {"Retry-After": "1"},
            )

    def close(self) -> None:
        """End the thread once it has scored what it works on."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = self._next()
            if not group:
                continue
            requests = [asked for asked, _ in group]
            try:
                found = await loop.run_in_executor(self._thread, self._score, requests)
            except RuntimeError:  # the thread was closed
                found = [Refusal(503, "", "the server stops: ask again") for _ in group]
            self._scored(len(group), sum(map(len, requests)), sum(asked.n_events for asked in requests))
            for (_, future), scores in zip(group, found, strict=True):
                if future.done():
                    continue  # its time was over
                if isinstance(scores, Refusal):
                    future.set_exception(scores)
                else:
                    future.set_result(scores)

    def _next(self) -> list[Waiting]:
        """The oldest request, and those behind it with its key, as far as they fit; others keep their place."""
        group: list[Waiting] = []
        kept: deque[Waiting] = deque()
        sequences = events = 0
        while self._waiting:
            asked, future = self._waiting.popleft()
            if future.done():
                continue
            fits = not group or (
                sequences + len(asked) <= self._limits.batch_sequences
                and events + asked.n_events <= self._limits.batch_events
            )
            if fits and (not group or asked.key == group[0][0].key):
                group.append((asked, future))
                sequences, events = sequences + len(asked), events + asked.n_events
            else:
                kept.append((asked, future))
        self._waiting = kept
        return group
