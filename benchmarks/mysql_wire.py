"""`sqlscore serve --mysql` beside the same statements in this process: latency, rows, and a soak.

    python benchmarks/mysql_wire.py [--repeats 30] [--minutes 0]

One server in a process of its own, one client of pymysql here, and a connection here to the same file, whose model it
shares with nobody: each statement in turns, every row read, equal answers, the median of each. A ratio is the wire's
seconds by those here; `pymysql` is written in Python, and much of what many rows take is its own. The cache of states
is off on both sides, so that each score is encoded.

With --minutes, eight clients ask without a pause afterwards: six ask short statements, one scores all users, and one
begins long statements and is killed in them, or lets them run into their time limit. Every answer is compared. The same
eight ask in this process for a tenth of that time, without kills; the ratio is that of the statements a second. The
last line is ok if no answer was wrong, no statement failed that should not, nothing runs in the end, and the server's
memory did not grow by more than a quarter after the first tenth.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pymysql
from soak_parts import Child, wait_for
from workload import make_events, make_model

import sqlscore

EVENTS, USERS = 120_000, 2_000
CLIENTS = 8
SCORES = "SELECT user_id, predict_next_action(e), churn_risk(e) FROM events AS e GROUP BY user_id ORDER BY user_id"
ONE = "SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users WHERE user_id = {user}"
SUMS = "SELECT next_action, COUNT(*) AS n FROM sqlscore.scored_users GROUP BY next_action ORDER BY next_action"
STATEMENTS = {
    "SELECT 1": "SELECT 1",
    "the stored score of one user": ONE.format(user=17),
    "stored scores added up": SUMS,
    "2,000 users scored": SCORES,
    "100,000 rows of events": "SELECT user_id, event_time, event_type FROM events LIMIT 100000",
}
LONG = "SELECT COUNT(*) FROM range(100000000000) r WHERE r.range * r.range % 7 = 3"
Rows = list[tuple[Any, ...]]


def make_file(path: Path) -> None:
    """Events, a model of full size, and scores."""
    with sqlscore.connect(path) as con:
        make_events(con, EVENTS, USERS)
        make_model(con)
        sqlscore.refresh(con)


@contextmanager
def serving(path: Path, log: Path) -> Iterator[tuple[Child, Callable[[], pymysql.connections.Connection[Any]]]]:
    """A server of the file, and how to become a client of it."""
    child = Child(path, log, "--mysql", "0", "--statement-timeout", "60")
    try:
        assert child.process.stdout is not None
        port = int(child.process.stdout.readline().split("port ")[1].split(",")[0])
        password = Path(f"{path}.password").read_text()
        yield child, lambda: pymysql.connect(host="127.0.0.1", port=port, user="benchmark", password=password)
    finally:
        child.end()


def asked(con: pymysql.connections.Connection[Any], sql: str) -> Rows:
    """The rows over the wire."""
    with con.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def compare(con: pymysql.connections.Connection[Any], here: duckdb.DuckDBPyConnection, repeats: int) -> None:
    """A line for each statement: milliseconds over the wire and here, and their ratio."""
    print(f"{'statement':32}{'wire ms':>10}{'here ms':>10}{'ratio':>8}")
    for name, sql in STATEMENTS.items():
        turns = []
        for _ in range(repeats + 1):
            began = time.perf_counter()
            theirs = asked(con, sql)
            between = time.perf_counter()
            ours = here.execute(sql).fetchall()
            turns.append((between - began, time.perf_counter() - between))
            require_equal(theirs, ours, name)
        wire, local = (1000 * statistics.median(side) for side in zip(*turns[1:], strict=True))
        print(f"{name:32}{wire:10.2f}{local:10.2f}{wire / local:8.1f}", flush=True)


def require_equal(theirs: Rows, ours: Rows, name: str) -> None:
    """Floats of 32 bits are written with their shortest digits over the wire."""
    assert len(theirs) == len(ours), name
    for one, other in zip(theirs, ours, strict=True):
        for left, right in zip(one, other, strict=True):
            assert left == right or abs(left - right) < 1e-6 * max(1, abs(right)), (name, left, right)


class Crowd:
    """Eight who ask until the time is over; what they asked and what went wrong."""

    def __init__(self, seconds: float, want: dict[str, Rows]) -> None:
        self.end = time.monotonic() + seconds
        self.want = want
        self.asked: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.short: list[float] = []
        self._lock = threading.Lock()

    def run(self, ask_as: Callable[[int], Callable[[str], Rows]]) -> None:
        """Let all of them ask; `ask_as` gives each its own way to do so."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda number: self._one(number, ask_as(number)), range(CLIENTS - 1)))

    def _one(self, number: int, ask: Callable[[str], Rows]) -> None:
        chosen = random.Random(number)
        while time.monotonic() < self.end:
            sql = SCORES if number == 0 else chosen.choice([*self.want.keys() - {SCORES}])
            began = time.monotonic()
            try:
                require_equal(ask(sql), self.want[sql], sql)
            except Exception as error:  # noqa: BLE001 - whatever went wrong is what this is about
                self.note(f"{type(error).__name__}: {error}")
            self.count("scores" if number == 0 else "short")
            if number:
                with self._lock:
                    self.short.append(time.monotonic() - began)

    def count(self, what: str) -> None:
        """One more of these was asked."""
        with self._lock:
            self.asked[what] += 1

    def note(self, what: str) -> None:
        """This went wrong."""
        with self._lock:
            self.wrong.append(what)

    def disturb(self, connect: Callable[[], pymysql.connections.Connection[Any]]) -> None:
        """The eighth: long statements that run into their limit, are killed by another, or whose client is gone."""
        while time.monotonic() < self.end:
            for way in ("limit", "kill", "gone"):
                con = connect()
                if way == "limit":
                    con.query("SET max_execution_time = 300")
                else:
                    threading.Timer(
                        0.3, *((kill, [connect, con.thread_id()]) if way == "kill" else (leave, [con]))
                    ).start()
                try:
                    con.query(LONG)
                    self.note(f"{way}: the long statement was done")
                except (pymysql.MySQLError, AttributeError, OSError, ValueError) as error:
                    number = error.args[0] if error.args else 0
                    if way != "gone" and number != {"limit": 3024, "kill": 1317}[way]:
                        self.note(f"{way}: {error}")
                self.count(way)
                con._force_close()


def kill(connect: Callable[[], pymysql.connections.Connection[Any]], number: int) -> None:
    """KILL QUERY, by a client of its own."""
    with connect() as con:
        con.query(f"KILL QUERY {number}")


def leave(con: pymysql.connections.Connection[Any]) -> None:
    """As the operating system ends the connections of a program that was killed."""
    assert con._sock is not None
    con._sock.shutdown(socket.SHUT_RDWR)


def here_as(con: duckdb.DuckDBPyConnection) -> Callable[[str], Rows]:
    """A way to ask in this process."""
    own = con.cursor()
    return lambda sql: own.execute(sql).fetchall()


def soak(path: Path, child: Child, connect: Callable[[], pymysql.connections.Connection[Any]], minutes: float) -> bool:
    """Whether eight clients found nothing wrong."""
    with sqlscore.connect(path, read_only=True) as con:
        users = [row[0] for row in con.execute("SELECT user_id FROM sqlscore.scored_users LIMIT 50").fetchall()]
        statements = [SCORES, SUMS, *(ONE.format(user=user) for user in users)]
        want = {sql: con.execute(sql).fetchall() for sql in statements}
        local = Crowd(6 * minutes, want)
        local.run(lambda _: here_as(con))
        per_second = {"here": sum(local.asked.values()) / (6 * minutes)}
    crowd = Crowd(60 * minutes, want)
    memory: list[float] = []
    disturber = threading.Thread(target=crowd.disturb, args=[connect])
    watcher = threading.Thread(target=watch, args=[child, crowd.end, memory])
    disturber.start()
    watcher.start()

    def ask_as(_: int) -> Callable[[str], Rows]:
        con = connect()
        return lambda sql: asked(con, sql)

    crowd.run(ask_as)
    disturber.join()
    watcher.join()
    per_second["wire"] = (crowd.asked["short"] + crowd.asked["scores"]) / (60 * minutes)
    crowd.short.sort()
    p50, p99 = (1000 * crowd.short[int(share * (len(crowd.short) - 1))] for share in (0.5, 0.99))
    print(f"\n{minutes:g} minutes, 8 clients: {dict(crowd.asked)}")
    ratio = per_second["wire"] / per_second["here"]
    print(f"statements a second: wire {per_second['wire']:.0f}, here {per_second['here']:.0f}, ratio {ratio:.2f}")
    print(f"short ones: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    early, late = memory[len(memory) // 10], memory[-1]
    print(f"the server's memory: {early / 2**20:.0f} MiB after a tenth, {late / 2**20:.0f} MiB in the end")
    with connect() as con:
        wait_for("the end of all", lambda: sum(row[4] == "Query" for row in asked(con, "SHOW PROCESSLIST")) == 1)
    for what in Counter(crowd.wrong).most_common(5):
        print("wrong:", *what)
    return not crowd.wrong and not local.wrong and (late < 1.25 * early or minutes < 1)


def watch(child: Child, end: float, memory: list[float]) -> None:
    """Note the server's memory every second."""
    while time.monotonic() < end:
        memory.append(child.metrics().get("process_resident_memory_bytes", 1.0))
        time.sleep(1)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30, help="turns of each statement (30)")
    parser.add_argument("--minutes", type=float, default=0.0, help="of the soak (0: none)")
    asked_for = parser.parse_args()
    os.environ["SQLSCORE_CACHE_MB"] = "0"
    os.environ.pop("SQLSCORE_TOKEN", None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.duckdb"
        make_file(path)
        with serving(path, Path(folder) / "log") as (child, connect):
            with connect() as con, sqlscore.connect(path, read_only=True) as here:
                compare(con, here, asked_for.repeats)
            good = asked_for.minutes == 0 or soak(path, child, connect, asked_for.minutes)
    print("ok" if good else "NOT OK")
    sys.exit(not good)


if __name__ == "__main__":
    main()
