"""Does a server survive? Readers read what it publishes to PostgreSQL, without a pause, while things are broken.

    python benchmarks/soak.py --minutes 10

One `sqlscore serve` refreshes and publishes every 30 seconds (more often in a shorter run) while new files of events
arrive, and trains again once. It is killed in the middle of a run and started again; PostgreSQL is stopped, and started
again when publishing has failed. Exit code 1 where a reader saw a half-written table, anything failed that was not
broken on purpose, or memory grew.
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
from pathlib import Path

import duckdb
import numpy as np
from soak_parts import Child, Postgres, Readings, readers, wait_for

import sqlscore
from sqlscore.serving.jobs import KILLED

READERS = 8
USERS = 600
NEW_USERS = 20  # in each file that arrives
EVENTS_A_FILE = 1_200
EVENTS = """SELECT 'u' || (? + i % ?) AS user_id,
    TIMESTAMP '2024-01-01' + to_seconds(? * 86400 + i * 7919 % 86400) AS ts,
    (['view', 'view', 'search', 'cart', 'buy'])[1 + (i + i // 7) % 5] AS what FROM range(?) t(i)"""
TABLES = "scored_users,scored_sessions,segment_summary"
PATIENCE = 300  # seconds, for what takes a few: another machine may be slow, or busy
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
            with readers(postgres.url, READERS, outage) as readings, arrivals.arriving(every / 2):
                wait_for("some quiet runs", lambda: time.monotonic() - began > seconds / 5, patience)
                wait_for("a run to kill", lambda: child.health()["running"], patience)
                child.kill()
                child = serve()
                wait_for("a run after the kill", lambda: child.health()["last_success"], patience)
                outage.set()
                postgres.lose()
                wait_for("publishing to fail", lambda: retried(child), patience)
                postgres.bring_back()
                before = child.health()["published_at"]
                wait_for("publishing to work again", lambda: child.health()["published_at"] != before, patience)
                outage.clear()
                wait_for("the scores of a model trained anew", lambda: readings.models - {"events@1"}, patience)
                memory = Memory(child)  # all has happened once: from here on it has to be flat
                wait_for("the end", lambda: memory.watch() > max(began + seconds, memory.began + seconds / 3), patience)
            code, took = child.terminate()
        except TimeoutError:
            print(log.read_text()[-4_000:])
            raise
    print(f"{readings.reads:,} reads by {READERS} readers, {readings.during_outage} failed in the outage")
    print(f"{arrivals.files} files arrived; exit code {code} {took:.1f} s after SIGTERM; {memory.summary()}")
    wrong = [*judged(readings), *memory.judged(), *recorded(database)]
    return wrong if code == 0 else [*wrong, f"exit code {code} after SIGTERM: {log.read_text()}"]


def prepare(database: Path, arrivals: Arrivals, seconds: float) -> None:
    """A model on the first events, and a policy that asks for one training in the course of the run."""
    arrivals.first()
    with sqlscore.connect(database) as con:
        sqlscore.map_events(con, str(arrivals.folder / "*.parquet"), event_time="ts", event_type="what")
        sqlscore.train(con, architecture="markov" if seconds < 300 else "gru", max_epochs=3)
        sqlscore.set_policy(con, retrain_after_days=seconds * 0.3 / 86_400, promote_within=None)


def retried(child: Child) -> bool:
    """Whether publishing was tried again."""
    return child.metrics().get('sqlscore_retries_total{kind="publish"}', 0) > 0


class Arrivals:
    """Files of events that appear as a whole, each a day later than the one before, with some new users."""

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
        self._add(self.files * NEW_USERS, USERS + NEW_USERS, EVENTS_A_FILE)

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
        """Wrong where it goes up."""
        growth, level = self._growth()
        allowed = GROWTH_SHARE * level + GROWTH_MB
        return [f"memory grew by {growth:.0f} MB from {level:.0f} MB"] if growth > allowed else []

    def summary(self) -> str:
        """In words."""
        growth, level = self._growth()
        return f"memory {level:.0f} MB, {growth:+.1f} MB in {self._samples[-1][0] - self._samples[0][0]:.0f} s"

    def _growth(self) -> tuple[float, float]:
        """By the slope of a line through the samples; and their median."""
        samples = np.array(self._samples)
        slope = np.polyfit(samples[:, 0] - samples[0, 0], samples[:, 1], 1)[0] if len(samples) > 1 else 0.0
        return float(slope * (samples[-1, 0] - samples[0, 0])), float(np.median(samples[:, 1]))


def judged(readings: Readings) -> list[str]:
    """What readers may not have seen."""
    wrong = [f"half-written: {row}" for row in readings.torn[:5]] + [f"a reader: {e}" for e in readings.unexpected[:5]]
    if "events@1" not in readings.models or len(readings.models) < 2:  # a kill may end the training of events@2
        wrong.append(f"readers saw the models {readings.models}, and there were events@1 and one trained anew")
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
