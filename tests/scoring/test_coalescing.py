"""What an accelerator encodes for several threads together is what each would get alone. Runs on the CPU too."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from all_models import INPUTS, made
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import gru_artifact, open_shop

from sqlscore.database.catalog import catalog
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.loading import load
from sqlscore.scoring import coalescing
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.batch import Batch, encode_sequences, join
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.coalescing import Coalescer
from sqlscore.scoring.manifest import sha256_of

CPU = torch.device("cpu")
KNOWN = len(INPUTS.actions)
SCORES = "SELECT user_id, score_events(e) AS s FROM e WHERE user_id IS NOT NULL GROUP BY user_id ORDER BY user_id"
torch.manual_seed(1)
MODEL: Any = ARCHITECTURES["gru"].build(ModelConfig(architecture="gru"), INPUTS).eval()


def alone(batch: Batch, hidden: torch.Tensor | None = None, clock: torch.Tensor | None = None) -> Any:
    with torch.inference_mode():
        return MODEL.encode(batch, hidden, clock)


def batches(shapes: list[list[int]]) -> list[Batch]:
    return [encode_sequences(made(lengths, seed=i), INPUTS) for i, lengths in enumerate(shapes)]


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=4))
def test_joined_batches_give_the_states_of_each(shapes: list[list[int]]) -> None:
    """Unseen actions too, whose codes mean something else in each batch."""
    parts = batches(shapes)
    hidden, clock = alone(join(parts, KNOWN))
    expected = [alone(part) for part in parts]
    torch.testing.assert_close(hidden, torch.cat([one[0] for one in expected]), atol=1e-5, rtol=1e-5)
    assert torch.equal(clock, torch.cat([one[1] for one in expected]))


class Gate:
    """A module whose first call waits until it is let through."""

    def __init__(self, fails: Callable[[int], bool] = lambda _: False) -> None:
        self.entered, self.open = threading.Event(), threading.Event()
        self.sizes: list[int] = []
        self._fails = fails

    def encode(self, batch: Batch, *states: Any) -> Any:
        self.sizes.append(batch.size)
        self.entered.set()
        assert self.open.wait(30)
        if self._fails(self.sizes[-1]):
            raise ValueError(f"{self.sizes[-1]} sequences")
        return MODEL.encode(batch, *states)


def together(gate: Gate, parts: list[Batch], states: list[Any] | None = None) -> tuple[Coalescer, list[Any]]:
    """The results of threads of which all but the first arrive while the first computes."""
    module: Any = gate
    coalescer = Coalescer(module, CPU, KNOWN, MODEL.state_size)
    given_states = states or [(None, None)] * len(parts)

    def run(i: int) -> Any:
        try:
            return coalescer(parts[i], *given_states[i])
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(parts)) as pool:
        first = pool.submit(run, 0)
        assert gate.entered.wait(30)
        rest = [pool.submit(run, i) for i in range(1, len(parts))]
        deadline = time.monotonic() + 30
        while len(coalescer._waiting) < len(parts) - 1 and time.monotonic() < deadline:
            os.sched_yield()
        gate.open.set()
        return coalescer, [future.result(30) for future in (first, *rest)]


def test_threads_that_arrive_meanwhile_are_one_batch() -> None:
    parts = batches([[3], [1, 4], [0, 2, 5], [7]])
    gate = Gate()
    coalescer, found = together(gate, parts)
    assert gate.sizes == [1, 6]
    assert coalescer.joined == 2
    for (hidden, clock), part in zip(found, parts, strict=True):
        expected = alone(part)
        torch.testing.assert_close(hidden, expected[0], atol=1e-5, rtol=1e-5)
        assert torch.equal(clock, expected[1])


def test_who_goes_on_from_states_and_who_begins_are_joined() -> None:
    parts = batches([[3], [1, 4], [2, 5]])
    before = alone(parts[1])
    _, found = together(Gate(), parts, [(None, None), before, (None, None)])
    expected = alone(parts[1], *before)
    torch.testing.assert_close(found[1][0], expected[0], atol=1e-5, rtol=1e-5)
    assert torch.equal(found[1][1], expected[1])
    torch.testing.assert_close(found[2][0], alone(parts[2])[0], atol=1e-5, rtol=1e-5)


def test_a_batch_that_fails_fails_alone() -> None:
    """The group is computed one by one then; the others never hear of it."""
    parts = batches([[3], [1, 4], [2, 5, 6]])
    gate = Gate(fails=lambda size: size in (2, 5))
    _, found = together(gate, parts)
    assert gate.sizes[:2] == [1, 5]
    assert sorted(gate.sizes[2:]) == [2, 3]  # who of the two leads is chance
    assert found[1] == "2 sequences"
    torch.testing.assert_close(found[2][0], alone(parts[2])[0], atol=1e-5, rtol=1e-5)


def test_a_joined_batch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory of the device is; what does not fit into one batch is the next."""
    monkeypatch.setattr(coalescing, "MOST_EVENTS", 8)
    gate = Gate()
    _, found = together(gate, batches([[3], [5], [5], [2], [20]]))
    assert gate.sizes[0] == 1
    assert sorted(gate.sizes[1:]) == [1, 1, 2]
    assert len(found) == 5


def test_sql_functions_score_the_same_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four engine threads that share one coalescer, as they do where the device is an accelerator."""
    con = open_shop()
    con.execute(
        """INSERT INTO e SELECT i % 3000 + 100, TIMESTAMP '2024-01-01' + to_minutes(i), 'view', 1
           FROM range(9000) t(i)"""
    )
    con.execute("SET threads = 4")
    expected = con.execute(SCORES).fetchall()
    used: list[Coalescer] = []

    def coalesced(*arguments: Any) -> Artifact:
        plain = load(*arguments)
        if not used:
            used.append(Coalescer(plain.module, CPU, len(plain.manifest.inputs.actions), plain.manifest.state_size))
        return Artifact(plain.name, plain.sha256, plain.manifest, plain.module, "cpu", used[0])

    monkeypatch.setattr(catalog(con), "_load", coalesced)
    STATES.clear()
    found = con.execute(SCORES).fetchall()
    con.close()
    assert used
    assert len(found) == len(expected) == 3005
    for one, other in zip(found, expected, strict=True):
        assert one[0] == other[0]
        assert one[1]["next_action"] == other[1]["next_action"]
        assert one[1]["churn_risk"] == pytest.approx(other[1]["churn_risk"], abs=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_scores_as_the_cpu_does() -> None:
    data = gru_artifact()
    on_cpu, on_cuda = (load(data, sha256_of(data), "m@1", device) for device in ("cpu", "cuda"))
    sequences = made([5, 0, 200, 1], seed=2)
    expected, found = (artifact.encode(sequences) for artifact in (on_cpu, on_cuda))
    np.testing.assert_allclose(found.hidden, expected.hidden, atol=1e-4, rtol=1e-4)
    assert (found.clock == expected.clock).all()
