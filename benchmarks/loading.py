"""A model that is built from stored weights against the same model as TorchScript, in CPU seconds of one thread.

    python benchmarks/loading.py [--architectures gru,mingru] [--threads]

Loading: bytes to a module and its first score. Then one user of 30 events, and 200 users of 40, as Python and compiled,
which have to agree to the last bit. The last column is what `models.compiled.CALLS` rests on: how many calls for one
user it takes until compiling has paid.

With `--threads`, by the clock: batches of 30,000 events in two threads, which as Python hand its lock over at every
step; after how many events compiling has paid there is `models.compiled.EVENTS`.
"""

from __future__ import annotations

import argparse
import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from workload import ACTIONS, in_turns, random_model

from sqlscore.events.sequences import Sequences
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.export import to_torchscript
from sqlscore.models.stored import module_of
from sqlscore.scoring.batch import Batch, encode_sequences
from sqlscore.scoring.inference import inference
from sqlscore.scoring.manifest import WEIGHTS, members_of, read_manifest
from sqlscore.scoring.torchscript import without_deprecation
from sqlscore.scoring.weights import read_weights

_START, _HOUR = 1_704_067_200_000_000, 3_600_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", default=",".join(ARCHITECTURES))
    parser.add_argument("--threads", action="store_true", help="two that encode at once, by the clock")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    one, many = events(1, 30), events(200, 40)
    for architecture in chosen.architectures.split(","):
        model, stored = random_model(architecture)
        exported = to_torchscript(model)

        def python(data: bytes = stored) -> Any:
            return module_of(read_weights(members_of(data)[WEIGHTS]), read_manifest(data))

        def compiled(data: bytes = exported) -> Any:
            with without_deprecation():
                return torch.jit.load(io.BytesIO(data)).eval()  # type: ignore[no-untyped-call]

        eager, scripted = python(), compiled()
        if chosen.threads:
            side_by_side(architecture, eager, scripted)
            continue
        assert torch.equal(score(eager, many), score(scripted, many))
        start = time.process_time()
        with without_deprecation():
            torch.jit.script(eager)
        compiling = time.process_time() - start
        loading = turns({"python": lambda p=python: score(p(), one), "script": lambda c=compiled: score(c(), one)}, 1)
        single = turns({"python": lambda e=eager: score(e, one), "script": lambda s=scripted: score(s, one)}, 50)
        bulk = turns({"python": lambda e=eager: score(e, many), "script": lambda s=scripted: score(s, many)}, 5)
        print(
            f"{architecture:>14}: bytes {len(stored) / len(exported):.2f}, "
            f"load and first score {loading['python'] * 1e3:.0f} ms / {loading['script'] * 1e3:.0f} ms, "
            f"one user {ratio(single)}, 200 users {ratio(bulk)}, compiling {compiling * 1e3:.0f} ms = "
            f"{compiling / max(single['python'] - single['script'], 1e-9):.0f} calls",
            flush=True,
        )


def side_by_side(architecture: str, eager: Any, scripted: Any) -> None:
    """Print what a million events take of two threads, as Python and compiled."""
    batch, batches = events(1_000, 30), 34

    def scored(module: Any) -> Any:
        return lambda: list(pool.map(lambda _: score(module, batch), range(batches)))

    with ThreadPoolExecutor(2) as pool:
        seconds = in_turns({"python": scored(eager), "script": scored(scripted)}, repeats=5)
    a_million = {name: found / batches / 30_000 * 1e6 for name, found in seconds.items()}
    print(f"{architecture:>14}: a million events in two threads {ratio(a_million)}", flush=True)


def events(users: int, each: int) -> Batch:
    """Random events as a batch."""
    random = np.random.default_rng(0)
    times = _START + np.cumsum(random.integers(0, _HOUR, users * each))
    names = pa.array(random.choice(np.array(ACTIONS), users * each).tolist())
    return encode_sequences(Sequences(names, times, np.arange(users + 1) * each, {}), random_inputs())


def random_inputs() -> Any:
    """What the benchmark's models read."""
    return read_manifest(random_model()[1]).inputs


def score(module: Any, batch: Batch) -> torch.Tensor:
    """The probabilities of the next action."""
    with inference():
        found: torch.Tensor = module.next_logits(module.encode(batch, None, None)[0])
    return found


def turns(runs: dict[str, Any], times: int) -> dict[str, float]:
    """CPU seconds of each, once."""

    def repeated(run: Any) -> Any:
        return lambda: [run() for _ in range(times)]

    best = in_turns({name: repeated(run) for name, run in runs.items()}, repeats=5, clock=time.process_time)
    return {name: seconds / times for name, seconds in best.items()}


def ratio(seconds: dict[str, float]) -> str:
    """The Python module's time in that of TorchScript."""
    return f"{seconds['python'] * 1e3:.1f} ms ({seconds['python'] / seconds['script']:.2f})"


if __name__ == "__main__":
    main()
