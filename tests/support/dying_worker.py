"""Scoring in which one worker of a cluster dies, once, after it has given a part of a partition's rows."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from sqlscore.spark.partition import Scoring

MARK = "SQLSCORE_TEST_DEATH"


class Dying(Scoring):
    """In the sixth partition it kills the process group of its executor: the executor and the worker beside it."""

    def rows(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        for batch in super().rows(batches):
            yield batch
            if context is not None and context.partitionId() == 5 and _first(Path(os.environ[MARK])):
                executor = os.getppid() if os.getpgid(os.getppid()) != os.getppid() else _parent(os.getppid())
                os.killpg(os.getpgid(executor), signal.SIGKILL)


def _first(mark: Path) -> bool:
    """Whether nobody has made this file before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _parent(process: int) -> int:
    """The parent of a process: that of PySpark's daemon, which leads a group of its own, is the executor."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
