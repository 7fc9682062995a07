"""`POST /score` beside FastAPI that calls the same TorchScript module for one request after the other, in one run.

    python benchmarks/live.py [--clients 1,8,64] [--seconds 5] [--repeats 2]

Each server is a process of its own, asked in turns by the same clients, which send one sequence a request over
connections that stay open and wait for each answer: a request's latency holds everything but DNS. The clients are one
process more, on the same cores. FastAPI runs on the same uvicorn, with the same parsers and one thread for torch, once
with `def` (its pool of threads) and once with `async def`; the ratio is to the faster of both. It checks the request
with pydantic and answers what `score_events` answers. The cache of states is off, so every request is encoded; both
sides must give the same risks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from served import end_with_parent
from workload import make_events, random_model

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.registry import register
from sqlscore.scoring.batch import Batch

TOKEN = "a-token-of-the-benchmark"
OURS, POOL, LOOP = "sqlscore serve --score", "FastAPI, def", "FastAPI, async def"
USERS, EVENTS = 2_000, 60_000


class Event(BaseModel):
    """An event as FastAPI reads it."""

    event_time: datetime
    event_type: str


class Sequence(BaseModel):
    """A request as FastAPI reads it."""

    events: list[Event]
    as_of: datetime


@dataclass(frozen=True)
class Load:
    """What clients saw, and what it cost the server.

    Attributes:
        per_second: requests.
        p50: milliseconds.
        p99: milliseconds.
        cpu: milliseconds of the server's processor time a request; NaN without /proc.
    """

    per_second: float
    p50: float
    p99: float
    cpu: float = float("nan")


def make_file(path: Path) -> list[bytes]:
    """A file with a model of full size, and a request for every user's events."""
    with sqlscore.connect(path) as con:
        make_events(con, EVENTS, USERS)
        sqlscore.map_events(con, "events")
        register(con, random_model("gru")[1], name="events", mapping="events", champion=True, verb="benchmark")
        return [
            json.dumps({"events": json.loads(events), "as_of": "2024-06-01T00:00:00"}).encode()
            for (events,) in con.execute(
                "SELECT to_json(list({'event_time': strftime(event_time, '%Y-%m-%dT%H:%M:%S.%f'), "
                "'event_type': event_type})) FROM events GROUP BY user_id"
            ).fetchall()
        ]


def peer(path: str, *, pooled: bool) -> Any:
    """A FastAPI application as one writes it around a TorchScript module. pooled: `def`, not `async def`."""
    from fastapi import FastAPI

    torch.set_num_threads(1)
    with sqlscore.connect(path, read_only=True) as con:
        artifact = catalog(con).artifact(None, "events")
    module, actions = artifact.module, artifact.manifest.inputs.actions
    codes = {action: number + 1 for number, action in enumerate(actions)}

    none = torch.zeros(0, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)

    def scores(sequence: Sequence) -> dict[str, Any]:
        events = sorted(sequence.events, key=lambda event: (event.event_time, event.event_type))
        times = np.array([event.event_time for event in events], "datetime64[us]").astype(np.int64)
        categories = torch.tensor([[codes[event.event_type]] for event in events])
        batch = Batch(
            categories, torch.zeros(len(events), 0), torch.from_numpy(times), torch.tensor([0, len(events)]), *none
        )
        as_of = int(np.datetime64(sequence.as_of, "us").astype(np.int64))
        with torch.inference_mode():
            hidden, clock = module.encode(batch, None, None)
            elapsed = (as_of - clock[:, 1]).double() / 1e6
            logits, seconds, churn = module.scores(hidden, elapsed)
            probabilities, order = torch.softmax(logits[0], 0).topk(3)
        best = [
            {"action": actions[at], "probability": value}
            for at, value in zip(order.tolist(), probabilities.tolist(), strict=True)
        ]
        return {
            "n_events": len(events), "next_action": best[0]["action"], "next_actions": best,
            "seconds_to_next_action": float(seconds[0]), "churn_risk": float(churn[0]),
        }  # fmt: skip

    app = FastAPI()
    if pooled:

        @app.post("/score")
        def score(sequence: Sequence) -> dict[str, Any]:
            return scores(sequence)
    else:

        @app.post("/score")
        async def score_in_turn(sequence: Sequence) -> dict[str, Any]:
            return scores(sequence)

    return app


@contextmanager
def serving(name: str, path: Path) -> Iterator[tuple[str, int]]:
    """A server in a process of its own; yields its address, host:port, and the number of its process."""
    if name == OURS:
        command = ["-P", str(Path(__file__).with_name("served.py")), str(path), "--score", "--port", "0"]
    else:
        command = [__file__, "--peer", name, "--file", str(path)]
    environment = {**os.environ, "SQLSCORE_TOKEN": TOKEN, "SQLSCORE_CACHE_MB": "0", "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, *command], stdin=pipe, stdout=pipe, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().partition("http://")[2].partition("/")[0].strip(), process.pid
    finally:
        process.terminate()
        process.wait(30)
        for end in (process.stdin, process.stdout):
            if end is not None:
                end.close()


def serve_peer(name: str, path: str) -> None:
    """Serve one of the peers until the process is told to stop."""
    from sqlscore.serving import loopback

    end_with_parent()
    listener = loopback.listening(0)
    app = peer(path, pooled=name == POOL)
    loopback.run(app, listener, lambda: print(loopback.address(listener), flush=True))


async def asking(address: str, bodies: list[bytes], clients: int, seconds: float) -> Load:
    """Clients that ask without a pause, each over one connection."""
    host, _, port = address.rpartition(":")
    head = f"POST /score HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json"
    requests = [f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        at = number * len(requests) // clients
        while time.perf_counter() < end:
            began = time.perf_counter()
            writer.write(requests[at % len(requests)])
            headers = await reader.readuntil(b"\r\n\r\n")
            if not headers.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(headers.decode())
            (length,) = (line for line in headers.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            latencies.append(time.perf_counter() - began)
            at += 1
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*map(ask, range(clients)))
    taken = time.perf_counter() - began
    cuts = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / taken, 1e3 * cuts[49], 1e3 * cuts[98])


def processor_seconds(pid: int) -> float:
    """What a process has used so far; NaN where that cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def loaded(server: tuple[str, int], bodies: list[bytes], clients: int, seconds: float) -> Load:
    """What clients see of a server while it works."""
    address, pid = server
    before = processor_seconds(pid)
    load = asyncio.run(asking(address, bodies, clients, seconds))
    return replace(load, cpu=1e3 * (processor_seconds(pid) - before) / (load.per_second * seconds))


def risks(address: str, bodies: list[bytes]) -> list[float]:
    """The churn risks that a server gives."""
    found = []
    for body in bodies:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}/score", body, headers)) as answer:
            document = json.load(answer)
        scores = document["results"][0]["score_events"] if "results" in document else document
        found.append(scores["churn_risk"])
    return found


def measure(clients: list[int], seconds: float, repeats: int) -> dict[int, dict[str, Load]]:
    """The best of each server's turns, by the number of clients. Raises AssertionError if they disagree."""
    found: dict[int, dict[str, Load]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bodies = make_file(folder / "live.duckdb")
        servers = {name: stack.enter_context(serving(name, folder / "live.duckdb")) for name in (OURS, POOL, LOOP)}
        expected = risks(servers[OURS][0], bodies[:50])
        for address, _ in servers.values():
            np.testing.assert_allclose(risks(address, bodies[:50]), expected, atol=1e-4)
        for count in clients:
            turns: dict[str, list[Load]] = {name: [] for name in servers}
            for turn in range(repeats + 1):
                for name, server in servers.items():
                    load = loaded(server, bodies, count, seconds if turn else 1.0)
                    if turn:
                        turns[name].append(load)
            found[count] = {name: max(loads, key=lambda load: load.per_second) for name, loads in turns.items()}
    return found


def main(arguments: list[str]) -> None:
    """Print a table, and the ratios of throughput."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", default="1,8,64")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--peer")
    parser.add_argument("--file")
    given = parser.parse_args(arguments)
    if given.peer:
        serve_peer(given.peer, given.file)
        return
    print(f"{'clients':>7}  {'server':24} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>7}")
    for clients, loads in measure([int(n) for n in given.clients.split(",")], given.seconds, given.repeats).items():
        for name, load in loads.items():
            print(f"{clients:7}  {name:24} {load.per_second:10.0f} {load.p50:8.1f} {load.p99:8.1f} {load.cpu:7.2f}")
        ours = loads.pop(OURS)
        best = max(load.per_second for load in loads.values())
        least = min(load.cpu for load in loads.values())
        print(f"{clients:7}  throughput / the faster FastAPI: {ours.per_second / best:.1f}")
        print(f"{clients:7}  CPU of the thriftier FastAPI / ours: {least / ours.cpu:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
