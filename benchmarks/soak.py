"""Does a server survive? Readers read what it publishes to PostgreSQL, without a pause, while things are broken.

    python benchmarks/soak.py --minutes 10

One `sqlscore serve` refreshes and publishes every 30 seconds (more often in a shorter run) while new files of events
arrive, and trains again once, with the first of them. It is killed in the middle of a run and started again; PostgreSQL
is stopped, and started again when publishing has failed. After that the server is left alone, and its memory is noted
until the end. Exit code 1 where a reader saw a half-written table, anything failed that was not broken on purpose, or
memory grew. Memory is judged only if it was noted for three minutes or longer, as in a run of ten: in a shorter time
caches fill, and a slope says nothing of growth.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
from soak_parts import Child, Postgres, Readings, readers, wait_for

import sqlscore
from sqlscore.serving.jobs import KILLED

READERS = 8
USERS = 600
NEW_USERS = 20  # in each file that arrives
EVENTS_A_FILE = 1_200  # of the first thirty
NEWER_EVENTS_A_FILE = 120  # few beside the first ones: what a refresh needs grows with what it reads, and is no leak
EVENTS = """SELECT 'u' || (? + i % ?) AS user_id,
    TIMESTAMP '2024-01-01' + to_seconds(? * 86400 + i * 7919 % 86400) AS ts,
    (['view', 'view', 'search', 'cart', 'buy'])[1 + (i + i // 7) % 5] AS what FROM range(?) t(i)"""
TABLES = "scored_users,scored_sessions,segment_summary"
PATIENCE = 300  # seconds, for what takes a few: another machine may be slow, or busy
JUDGED_FROM = 180.0  # seconds of samples from which on their slope is growth
GROWTH_SHARE, GROWTH_MB = 0.10, 30.0


def main() -> int:
    """Run it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped and files deleted
    with tempfile.TemporaryDirectory(prefix="sqlscore-soak-") as folder:
        wrong = soak(Path(folder), minutes * 60)
    for problem in wrong:
        print(f"WRONG: {problem}")
    print("ok" if not wrong else f"{len(wrong)} things went wrong")
    return 1 if wrong else 0


def soak(folder: Path, seconds: float) -> list[str]:
    """The whole of it; what went wrong."""
    every = min(30.0, max(2.0, seconds / 15))
    arrivals = Arrivals(folder / "events")
    database, log = folder / "soak.duckdb", folder / "serve.log"
    prepare(database, arrivals, seconds)
    postgres, outage = Postgres(folder / "postgres"), threading.Event()
    with ExitStack() as stack:
        stack.callback(postgres.delete)

        def serve() -> Child:
            options = ("--every", f"{every}s", "--publish", postgres.url, "--tables", TABLES, "--retries", "1")
            started = Child(database, log, *options)
            stack.callback(started.end)
            return started

        try:
            child = serve()
            wait_for("the first run", lambda: child.health()["last_success"], seconds + PATIENCE)
            began, patience = time.monotonic(), seconds + PATIENCE
            with ExitStack() as reading:
                readings = reading.enter_context(readers(postgres.url, READERS, outage))
                wait_for("the scores of the first model", lambda: readings.models, patience)
                reading.enter_context(arrivals.arriving(every / 2))
                wait_for("the scores of a model trained anew", lambda: len(readings.models) > 1, patience)
                wait_for("some quiet runs", lambda: time.monotonic() - began > seconds / 5, patience)
                child = killed_in_a_run(child, database, serve, patience)
                wait_for("a run after the kill", lambda: child.health()["last_success"], patience)
                outage.set()
                postgres.lose()
                wait_for("publishing to fail", lambda: retried(child), patience)
                postgres.bring_back()
                before, reads = child.health()["published_at"], list(readings.reads)
                wait_for("publishing to work again", lambda: child.health()["published_at"] != before, patience)
                wait_for("each reader to read again", lambda: all(np.greater(readings.reads, reads)), patience)
                outage.clear()
                memory = Memory(child)  # all has happened once: from here on it has to be flat
                wait_for("the end", lambda: memory.watch() > max(began + seconds, memory.began + seconds / 3), patience)
            code, took = child.terminate(PATIENCE)
        except TimeoutError:
            print(log.read_text()[-4_000:])
            raise
    print(f"{sum(readings.reads):,} reads by {READERS} readers, {readings.during_outage} failed in the outage")
    print(f"{arrivals.files} files arrived; exit code {code} {took:.1f} s after SIGTERM; {memory.summary()}")
    wrong = [*judged(readings), *memory.judged(), *recorded(database)]
    return wrong if code == 0 else [*wrong, f"exit code {code} after SIGTERM: {log.read_text()}"]


def prepare(database: Path, arrivals: Arrivals, seconds: float) -> None:
    """A model on the first events, and a policy that asks for one training, with the first events that are newer."""
    arrivals.first()
    with sqlscore.connect(database) as con:
        sqlscore.map_events(con, str(arrivals.folder / "*.parquet"), event_time="ts", event_type="what")
        sqlscore.train(con, architecture="markov" if seconds < 300 else "gru", max_epochs=3)
        sqlscore.set_policy(con, retrain_after_days=1e-6, retrain_pause_hours=24, promote_within=None)


def killed_in_a_run(child: Child, database: Path, serve: Callable[[], Child], patience: float) -> Child:
    """Kill a server whose run has begun and not ended, as its own record says; the server that follows it."""
    while True:
        wait_for("a run to kill", partial(running, child), patience)
        child.kill()
        with duckdb.connect(database, read_only=True) as con:
            found = con.execute("SELECT 1 FROM sqlscore.runs WHERE verb = 'serve' AND status = 'running'").fetchall()
        child = serve()
        if found:  # otherwise the run ended before the signal came, as it may on a busy machine
            return child


def running(child: Child) -> bool:
    """Whether a run has begun and not ended."""
    return bool(child.health()["running"])


def retried(child: Child) -> bool:
    """Whether publishing was tried again."""
    return child.metrics().get('sqlscore_retries_total{kind="publish"}', 0) > 0


class Arrivals:
    """Files of events that appear as a whole, each a day later than the one before, with some new users and others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = 0
        self._made = 0

    def first(self) -> None:
        """Thirty days of everybody."""
        self.folder.mkdir()
        for _ in range(30):
            self._add(0, USERS, EVENTS_A_FILE)

    def arriving(self, every: float) -> Ticking:
        """One file every so many seconds, in a thread."""
        return Ticking(self._another, every)

    def _another(self) -> None:
        self.files += 1
        users = 3 * NEW_USERS
        self._add(USERS + self.files * NEW_USERS - users, users, NEWER_EVENTS_A_FILE)

    def _add(self, first_user: int, users: int, events: int) -> None:
        hidden = self.folder / "arriving.tmp"
        with duckdb.connect() as con:
            con.sql(EVENTS, params=[first_user, users, self._made, events]).write_parquet(str(hidden))
        hidden.rename(self.folder / f"{self._made:05}.parquet")
        self._made += 1


class Ticking:
    """Calls something every so many seconds, in a thread, inside a with block."""

    def __init__(self, work: Callable[[], None], every: float) -> None:
        self._work, self._every = work, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._work()


class Memory:
    """The server's resident memory in MB, from now on."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.began = time.monotonic()
        self._samples: list[tuple[float, float]] = []

    def watch(self) -> float:
        """Take a sample, at most one a second; the moment on the monotonic clock."""
        moment = time.monotonic()
        if not self._samples or moment - self._samples[-1][0] >= 1:
            self._samples.append((moment, self._child.metrics()["process_resident_memory_bytes"] / 1e6))
        return moment

    def judged(self) -> list[str]:
        """Wrong where it goes up, in a run that is long enough to tell."""
        growth, level = self._growth()
        if self._seconds() < JUDGED_FROM:
            return []
        allowed = GROWTH_SHARE * level + GROWTH_MB
        return [f"memory grew by {growth:.0f} MB from {level:.0f} MB"] if growth > allowed else []

    def summary(self) -> str:
        """In words."""
        growth, level = self._growth()
        found = f"memory {level:.0f} MB, {growth:+.1f} MB in {self._seconds():.0f} s"
        if self._seconds() < JUDGED_FROM:
            found += (
                f" (not judged: a slope over less than {JUDGED_FROM:.0f} s says nothing of growth; --minutes 10 does)"
            )
        return found

    def _seconds(self) -> float:
        return self._samples[-1][0] - self._samples[0][0]

    def _growth(self) -> tuple[float, float]:
        """By the slope of a line through the samples; and their median."""
        samples = np.array(self._samples)
        slope = np.polyfit(samples[:, 0] - samples[0, 0], samples[:, 1], 1)[0] if len(samples) > 1 else 0.0
        return float(slope * self._seconds()), float(np.median(samples[:, 1]))


def judged(readings: Readings) -> list[str]:
    """What readers may not have seen."""
    wrong = [f"half-written: {row}" for row in readings.torn[:5]] + [f"a reader: {e}" for e in readings.unexpected[:5]]
    if readings.models != {"events@1", "events@2"}:
        wrong.append(f"readers saw the models {readings.models}, and there were events@1 and events@2")
    return wrong


def recorded(database: Path) -> list[str]:
    """What `sqlscore.runs` may not hold: failures that nobody injected."""
    with duckdb.connect(database, read_only=True) as con:
        runs = con.execute("SELECT verb, status, message FROM sqlscore.runs ORDER BY started_at").fetchall()
    counts = {status: sum(run[:2] == ("serve", status) for run in runs) for status in ("ok", "failed", "stopped")}
    print(f"runs: {counts}")
    killed = [run for run in runs if run[2] == KILLED]
    others = [run for run in runs if run[1] in ("failed", "running") and run[2] != KILLED and not injected(run)]
    return [f"failed without a reason: {run}" for run in others] + (
        [] if len(killed) == 1 else [f"{len(killed)} runs were noted as killed, and one was"]
    )


def injected(run: tuple[str, str, str | None]) -> bool:
    """Whether a failure is the lost PostgreSQL server's, or of the step that SIGTERM cancelled at the end."""
    if run[2] is not None and run[2].startswith("Stopped: "):
        return True
    return run[2] is not None and (run[0] == "publish" or (run[2].startswith("publish ") and run[2].count("; ") == 0))


if __name__ == "__main__":
    sys.exit(main())
