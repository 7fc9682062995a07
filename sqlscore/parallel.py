"""Runs a function over many inputs in several threads, in order and with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None, ahead: int = 2
) -> Iterator[Result]:
    """`map` by threads: results in the order of the items, each computed before it is asked for.

    `work` runs in several threads at once. DuckDB, numpy and torch let go of the interpreter in their long calls.

    Args:
        work: what to do with one item.
        items: read by the caller's thread, one at a time.
        threads: default, one for each processor. 0 computes each result when it is asked for; so does one item alone.
        ahead: results, for each thread, that may wait to be read. Memory is bounded by it.
    """
    threads = (os.cpu_count() or 1) if threads is None else threads
    items = iter(items)
    first = list(islice(items, 2))
    items = chain(first, items)
    if len(first) < 2 or threads < 1:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="sqlscore") as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > ahead * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
