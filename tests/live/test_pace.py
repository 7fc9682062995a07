"""Where a batch is scored: in the thread until it is known to be quick, then on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import closing

import pyarrow as pa

from sqlscore.live.asked import Asked
from sqlscore.live.batching import Batcher
from sqlscore.live.limits import Limits
from sqlscore.live.pace import QUICK, Pace
from sqlscore.live.scoring import Scores


def test_a_kind_is_quick_up_to_twice_what_was_quick():
    pace = Pace()
    assert not pace.is_quick("a", 0)
    pace.took("a", 10, QUICK / 2)
    assert [pace.is_quick("a", size) for size in (20, 21)] == [True, False]
    pace.took("a", 20, 2 * QUICK)
    assert [pace.is_quick("a", size) for size in (10, 11)] == [True, False]
    assert not pace.is_quick("b", 1)


def test_only_so_many_kinds_are_remembered():
    """A client can make as many as it likes."""
    pace = Pace()
    for key in range(1_000):
        pace.took(key, 1, 0.0)
    assert sum(pace.is_quick(key, 1) for key in range(1_000)) == 256
    assert pace.is_quick(999, 1)


def test_the_first_batch_goes_to_the_thread_and_many_requests_like_it_do_not():
    where: list[threading.Thread] = []

    def score(group: Sequence[Asked]) -> list[Scores]:
        where.append(threading.current_thread())
        return [{"one": [1]} for _ in group]

    def asked(n_events: int) -> Asked:
        return Asked("key", "events", None, (), [("", [])], pa.nulls(1, pa.timestamp("us")), None, n_events)

    async def run() -> threading.Thread:
        with closing(Batcher(score, Limits())) as batcher:
            for requests, n_events in ((20, 10), (20, 10), (20, 1_000), (1, 10)):
                found = await asyncio.gather(*[batcher.scores(asked(n_events)) for _ in range(requests)])
                assert found == [{"one": [1]}] * requests
                assert batcher.waiting == 0
        return threading.current_thread()

    loop = asyncio.run(run())
    assert [thread is loop for thread in where] == [False, True, False, False]
