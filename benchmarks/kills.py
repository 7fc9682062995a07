"""Is a file whole after SIGKILL, whatever was running, and does the next run end as one that was never killed?

    python benchmarks/kills.py --kills 1000 [--verbs refresh,publish] [--seed 0]

Each kill: a copy of a small file, a command on it in a process of its own, SIGKILL to the process and its children at a
random moment (half of them in the last third, where files are written). Then

- the tables are those from before the command, or those that it leaves when it ends, and nothing between;
- the same command runs again, without waiting and without an error: no lock is left;
- what it leaves then is what runs that nobody killed leave: tables, published copies, and names of files.

A command that ended before its moment is tried again and not counted. Not compared are `sqlscore.runs` and
`sqlscore.event_profiles`, logs of what ran, and `sqlscore.meta`, which has the file's own random number. Exit code 1 if
anything was wrong, which is printed with its seed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kills_world import LABELS, OUTPUTS, World, contents, make_worlds

import sqlscore.cli
import sqlscore.finetuning.fit
import sqlscore.serving.server
import sqlscore.training.pretrain

DB = "shop.duckdb"
FORK = multiprocessing.get_context("fork")
"""Children of a process that has imported everything start at once: most moments are moments of the command."""


@dataclass(frozen=True)
class Command:
    """What is run in the folder of a world."""

    world: World
    arguments: tuple[str, ...]


COMMANDS = {
    "init": Command("bare", ("init", DB, "--events", "events", "--feature", "price")),
    "train": Command("mapped", ("train", DB, "--architecture", "markov")),
    "refresh_full": Command("changed", ("refresh", DB, "--full", "--keep-history")),
    "refresh": Command("changed", ("refresh", DB)),
    "materialize": Command("scored", ("materialize", DB, "FROM events", "--into", "all_scores")),
    "publish_parquet": Command("scored", ("publish", DB, "--to", OUTPUTS["parquet"])),
    "publish_duckdb": Command("scored", ("publish", DB, "--to", OUTPUTS["duckdb"])),
    "search": Command("mapped", ("search", DB, "--architectures", "gru", "--trials", "1", "--max-epochs", "1")),
    "backtest": Command("scored", ("backtest", DB, "--every", "10 days")),
    "serve": Command("changed", ("serve", DB, "--once", "--publish", OUTPUTS["duckdb"])),
    "pretrain": Command("mapped", ("pretrain", DB, "--max-epochs", "3")),
    "finetune": Command("scored", ("finetune", DB, "--name", "soon", "--labels", LABELS)),
    "promote": Command("scored", ("promote", DB, "events@1", "--force")),
}
"""Every verb that changes a file."""


def main() -> int:
    """Run it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these, with fewer kills")
    parser.add_argument("--verbs", default=",".join(COMMANDS), help="which commands, by the names in COMMANDS")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="sqlscore-kills-") as folder:
        wrong = kills(Path(folder), chosen.verbs.split(","), chosen.kills, chosen.seed, chosen.minutes * 60)
    for problem in wrong:
        print(f"WRONG: {problem}")
    print("ok" if not wrong else f"{len(wrong)} things went wrong")
    return 1 if wrong else 0


def kills(folder: Path, names: Sequence[str], wanted: int, seed: int, seconds: float) -> list[str]:
    """Kill each command in turn until so many were killed, or so much time has passed; what went wrong."""
    worlds = in_child(make_worlds, folder / "worlds")
    assert worlds == 0, "the files could not be made"
    subjects = {name: Subject(folder, name, COMMANDS[name]) for name in names}
    random, wrong = np.random.default_rng(seed), []
    killed = dict.fromkeys(names, 0)
    began = time.monotonic()
    while sum(killed.values()) < wanted and time.monotonic() - began < seconds:
        name = min(names, key=lambda each: killed[each])
        part = random.uniform(0.66, 1.0) if random.random() < 0.5 else random.uniform(0.0, 1.0)
        found = subjects[name].kill(part)
        if found is None:
            continue  # it had ended
        killed[name] += 1
        new = [f"{name}, seed {seed}, kill {sum(killed.values())} at {part:.3f}: {each}" for each in found]
        for problem in new:
            print(problem, flush=True)
        wrong += new
    print(f"{sum(killed.values())} kills: {', '.join(f'{name} {n}' for name, n in killed.items())}", flush=True)
    return wrong


class Subject:
    """A command, and what it leaves if nobody kills it."""

    def __init__(self, folder: Path, name: str, command: Command) -> None:
        self.source = folder / "worlds" / command.world
        self.place = folder / name
        self.arguments = command.arguments
        self._fresh()
        self.before = self._contents()
        self.seconds = float("inf")
        self.after: list[dict[str, Any]] = []
        self.files: list[list[str]] = []
        for _ in range(2):  # once, and once more where the first one had been done
            began = time.monotonic()
            code = self._run()
            self.seconds = min(self.seconds, time.monotonic() - began)
            assert code == 0, f"{name} ends with {code} when nobody kills it: {(folder / 'log').read_text()}"
            self.after.append(self._contents())
            self.files.append(self._files())

    def kill(self, part: float) -> list[str] | None:
        """Kill it after a part of its time. What is wrong then; None if it had ended."""
        self._fresh()
        child = FORK.Process(target=_command, args=(self.place, self.arguments))
        child.start()
        child.join(part * self.seconds)
        if child.exitcode is not None:
            return None
        assert child.pid is not None
        for kill in (os.kill, os.killpg):
            try:
                kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it is not yet the leader of a group, or has just ended
        child.join()
        if child.exitcode != -signal.SIGKILL:
            return None
        return self._judged()

    def _judged(self) -> list[str]:
        wrong = []
        left = self._contents()
        done = {key: left.get(key) == self.after[0].get(key) for key in {*left, *self.before, *self.after[0]}}
        for key, is_done in done.items():
            if not is_done and left.get(key) != self.before.get(key):
                wrong.append(f"{key} is neither as before nor as after: {_difference(self.before, left, key)}")
        code = self._run()
        if code != 0:
            said = (self.place.parent / "log").read_text(encoding="utf-8").strip().splitlines()
            return [*wrong, f"the next run ends with {code}: {' '.join(said[-3:])}"]
        again = self._contents()
        expected = self.after[1 if all(done.values()) else 0]
        wrong += [
            f"{key} differs after the next run: {_difference(expected, again, key)}"
            for key in {*again, *expected}
            if again.get(key) not in (self.after[0].get(key), self.after[1].get(key))
        ]
        if self._files() not in self.files:
            wrong.append(f"files are left: {sorted(set(self._files()) - set(self.files[0]) - set(self.files[1]))}")
        return wrong

    def _fresh(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.source, self.place)

    def _run(self) -> int:
        return in_child(_command, self.place, self.arguments)

    def _contents(self) -> dict[str, Any]:
        code = in_child(_write_contents, self.place)
        if code != 0:
            return {"the file": f"cannot be read: {code}"}
        found: dict[str, Any] = json.loads((self.place.parent / "contents.json").read_text())
        return found

    def _files(self) -> list[str]:
        """Names of files, hidden ones too; those that a published folder holds change with every run."""
        return sorted(str(path.relative_to(self.place)) for path in self.place.iterdir())


def in_child(run: Callable[..., object], *arguments: object) -> int:
    """Run it in a process of its own; its exit code. The parent never opens a database, so it can be forked."""
    child = FORK.Process(target=run, args=arguments)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _command(place: Path, arguments: Sequence[str]) -> None:
    os.setsid()
    os.chdir(place)
    with Path(os.devnull).open("w") as nowhere, (place.parent / "log").open("w") as log:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.argv = ["sqlscore", *arguments]
    sqlscore.cli.main()


def _write_contents(place: Path) -> None:
    (place.parent / "contents.json").write_text(json.dumps(contents(place, DB)))


def _difference(expected: dict[str, Any], found: dict[str, Any], key: str) -> str:
    return f"{expected.get(key)} expected, {found.get(key)} found"


if __name__ == "__main__":
    sys.exit(main())
