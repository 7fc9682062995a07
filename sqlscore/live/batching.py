"""Requests that wait together are scored together: as a group commit, so that nobody waits for company.

A request that comes while nothing is scored begins at once. Those that come meanwhile gather, and are the next batch:
the busier the server, the larger its batches, without a delay to tune.

Many requests that are known to be quick together are scored on the event loop itself: a second thread that wants the
interpreter's lock at every operation waits up to five milliseconds for it each time, while the loop reads requests.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlscore.live.asked import Asked
from sqlscore.live.limits import Limits
from sqlscore.live.pace import Pace
from sqlscore.live.refusals import Refusal
from sqlscore.live.scoring import Columns, Scores

_MANY = 16
"""Requests. Where there are fewer, others are better read meanwhile: eight clients were answered a fifth more often."""

Waiting = tuple[Asked, "asyncio.Future[Columns]"]


class Batcher:
    """Gathers requests on one event loop, and scores them there if that is quick, in one thread if not.

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
        self._events = 0  # of those that wait
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlscore-score")
        self._work: asyncio.Task[None] | None = None
        self._pace = Pace()

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    async def scores(self, asked: Asked) -> Columns:
        """The scores of one request. Raises Refusal: of the request itself, or 429 if too many wait."""
        self._refuse_crowd()
        future: asyncio.Future[Columns] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self._events += asked.n_events
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        try:
            return await future
        except asyncio.CancelledError:  # its time is over: it leaves its place to others
            self._keep([other for other in self._waiting if other[1] is not future])
            raise

    def _refuse_crowd(self) -> None:
        events = self._events
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
        while self._waiting:
            group = self._next()
            if not group:
                continue
            requests = [asked for asked, _ in group]
            n_sequences, n_events = sum(map(len, requests)), sum(asked.n_events for asked in requests)
            found = await self._found(requests, n_sequences + n_events)
            self._scored(len(group), n_sequences, n_events)
            for (_, future), scores in zip(group, found, strict=True):
                if future.done():
                    continue  # its time was over
                if isinstance(scores, Refusal):
                    future.set_exception(scores)
                else:
                    future.set_result(scores)
            if self._waiting:
                await asyncio.sleep(0)  # others have their turn between two batches

    async def _found(self, requests: list[Asked], size: int) -> list[Scores]:
        key = requests[0].key
        if len(requests) >= _MANY and self._pace.is_quick(key, size):
            found, seconds = self._timed(requests)
        else:
            try:
                work = asyncio.get_running_loop().run_in_executor(self._thread, self._timed, requests)
                found, seconds = await work
            except RuntimeError:  # the thread was closed
                return [Refusal(503, "", "the server stops: ask again") for _ in requests]
        self._pace.took(key, size, seconds)
        return found

    def _timed(self, requests: list[Asked]) -> tuple[list[Scores], float]:
        """The scores, and the seconds that this thread computed for them, however busy the machine is."""
        began = time.thread_time()
        return self._score(requests), time.thread_time() - began

    def _next(self) -> list[Waiting]:
        """The oldest request, and those behind it with its key, as far as they fit; others keep their place."""
        group: list[Waiting] = []
        kept: list[Waiting] = []
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
        self._keep(kept)
        return group

    def _keep(self, waiting: list[Waiting]) -> None:
        self._waiting = deque(waiting)
        self._events = sum(asked.n_events for asked, _ in waiting)
