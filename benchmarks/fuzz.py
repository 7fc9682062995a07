"""Does anything but a right score, NULL or a clear error come of inputs that nobody meant, and of verbs in any order?

    python benchmarks/fuzz.py --inputs 1000000 [--seed 0] [--minutes 9] [--only packed,manifest] [--at 1234]
    python benchmarks/fuzz.py --machine --steps 5000 [--seed 0]

The first changes valid inputs of every reader in `fuzz_targets` at random. Each reader runs in a process of its own,
which may take 4 GB of memory more than at its start, and 20 seconds for one input; cheap readers get more inputs. An
input depends on the seed, the reader and its number alone: `--only READER --at NUMBER` runs it again, and shows the
traceback. The second runs verbs and statements on one file, `tests/support/file_machine.py`. Exit code 1 if anything
was wrong.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import multiprocessing
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))  # the models and the machine of the tests

from fuzz_target import Target
from fuzz_targets import TARGETS

MEMORY = 4 << 30
SECONDS = 20
LINE = 1_000  # characters of a line of a refusal
_SHOWN = 5  # of the failures of a reader


def main() -> int:
    """Run it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these, with fewer inputs")
    parser.add_argument("--only", default=",".join(TARGETS), help="which readers, by their names in fuzz_targets")
    parser.add_argument("--at", type=int, help="run the one input of this number")
    parser.add_argument("--machine", action="store_true", help="verbs and statements in random order")
    parser.add_argument("--steps", type=int, default=1000, help="of the machine, about")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.at is not None:
        target = TARGETS[chosen.only][0]()
        given = target.make(_random(chosen.seed, chosen.only, chosen.at))
        print(repr(given)[:2_000])
        target.read(given)
        return 0
    wrong = inputs(chosen.only.split(","), chosen.inputs, chosen.seed, chosen.minutes * 60) if chosen.inputs else []
    if chosen.machine:
        machine(chosen.steps, chosen.seed)
    for problem in wrong:
        print(f"WRONG: {problem}")
    print("ok" if not wrong else f"{len(wrong)} things went wrong")
    return 1 if wrong else 0


def machine(steps: int, seed: int) -> None:
    """Runs of up to fifty steps; a failure is raised with the shortest run that shows it."""
    from file_machine import FileMachine, run_machine

    began = time.monotonic()
    run_machine(runs=max(1, steps // 50), steps_of_a_run=50, seed=seed)
    done = ", ".join(f"{name} {n}" for name, n in sorted(FileMachine.done.items()))
    print(f"{FileMachine.steps} calls of verbs in {time.monotonic() - began:.0f} s; done: {done}")


def inputs(names: list[str], wanted: int, seed: int, seconds: float) -> list[str]:
    """Give the readers so many inputs in all; what went wrong."""
    shares = {name: TARGETS[name][1] for name in names}
    wrong: list[str] = []
    total, began = 0, time.monotonic()
    for place, name in enumerate(names):
        ends = time.monotonic() + (seconds - (time.monotonic() - began)) / (len(names) - place)
        n = max(1, round(wanted * shares[name] / sum(shares.values())))
        found, counted = _in_child(name, n, seed, ends)
        took = ", ".join(f"{what} {count:,}" for what, count in counted.items())
        print(f"{name}: {sum(counted.values()):,} inputs, {took}", flush=True)
        wrong += found
        total += sum(counted.values())
    print(f"{total:,} inputs in {time.monotonic() - began:.0f} s")
    return wrong


def _in_child(name: str, n: int, seed: int, ends: float) -> tuple[list[str], dict[str, int]]:
    """Run a reader in a process of its own, since what it reads might end it."""
    context = multiprocessing.get_context("fork")
    at: Synchronized[int] = context.Value("q", 0)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(name, n, seed, ends, at, sender))
    child.start()
    sender.close()
    try:
        failures, counted = receiver.recv()
    except EOFError:
        failures, counted = {"ended the process": at.value}, {"read": at.value}
    child.join()
    return [f"{name}, seed {seed}, input {place}: {what}" for what, place in failures.items()], counted


def _run(name: str, n: int, seed: int, ends: float, at: Synchronized[int], sender: Any) -> None:
    warnings.simplefilter("ignore")
    faulthandler.enable()
    logging.disable()
    target = TARGETS[name][0]()
    target.read(target.valid)
    _warm(target)
    _limit_memory()
    signal.signal(signal.SIGALRM, _too_long)
    counted: Counter[str] = Counter(taken=0, refused=0)
    failures: dict[str, int] = {}
    for i in range(n):
        at.value = i
        given = target.make(_random(seed, name, i))
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            target.read(given)
            counted["taken"] += 1
        except target.refuses as error:
            counted["refused"] += 1
            longest = max(map(len, str(error).splitlines() or [""]))
            if not 0 < longest <= LINE or len(str(error)) > LINE + 2 * len(repr(given)):
                failures.setdefault(f"refused in {len(str(error))} characters, {longest} in one line", i)
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            counted["wrong"] += 1
            if len(failures) < _SHOWN:
                failures.setdefault(f"{type(error).__name__}: {_first_line(error)} ({_where(error)})", i)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if i % 64 == 0 and time.monotonic() > ends:
            break
    sender.send((failures, dict(counted)))


def _warm(target: Target) -> None:
    """Read some inputs before memory is limited: what is imported at first use is no input's fault."""
    for i in range(20):
        try:
            target.read(target.make(Random(i)))
        except BaseException:  # noqa: BLE001 - the same inputs may come again, and are judged then
            continue


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _too_long(*_: object) -> None:
    raise TimeoutError(f"one input takes more than {SECONDS} s")


def _random(seed: int, name: str, number: int) -> Random:
    return Random(f"{seed} {name} {number}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def _where(error: BaseException) -> str:
    """The last line of ours that it went through."""
    trace, found = error.__traceback__, "nowhere"
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if {"sqlscore", "models", "udfs", "benchmarks"} & set(file.parts):
            found = f"{file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


if __name__ == "__main__":
    sys.exit(main())
