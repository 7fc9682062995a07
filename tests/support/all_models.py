"""Random ragged batches, and a model of every architecture with random weights, for the tests of what all hold to."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import NO_TIME
from sqlscore.events.sequences import Sequences, offsets_of
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.back_off import BackOff
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import to_torchscript
from sqlscore.scoring.batch import encode_sequences
from sqlscore.scoring.manifest import Manifest
from sqlscore.scoring.module import capabilities_of
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.counting import fill
from sqlscore.training.learning.following import Counting

INPUTS = Inputs((*(f"action {i}" for i in range(40)), "zurück"), {"brand": ("a", "b", "c")}, ("price", "quantity"))
FAR_FUTURE = 9_223_371_331_200_000_000 - 10**15  # the year 294,000 or so

OTHER_CONFIGS = {
    "attention_rnn/global": ModelConfig(architecture="attention_rnn", attention="global"),
    "attention_rnn/self": ModelConfig(architecture="attention_rnn", attention="self"),
}
CONFIGS = {name: ModelConfig(architecture=name) for name in ARCHITECTURES} | OTHER_CONFIGS


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the runtime scores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def models(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """(the eager model with random weights, the same one exported and loaded)."""
    torch.manual_seed(1)
    config = CONFIGS[request.param]
    model: Any = ARCHITECTURES[config.architecture].build(config, INPUTS)
    for parameter in model.parameters():
        # of a size that leaves rounding errors as they are: larger weights would enlarge them layer by layer
        torch.nn.init.normal_(parameter, std=min(0.2, (parameter.shape[-1] or 1) ** -0.5))
    some_counts(model.counts)
    model.eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
        return model, torch.jit.load(io.BytesIO(to_torchscript(model)))  # type: ignore[no-untyped-call]


def some_counts(back_off: BackOff, seed: int = 0) -> None:
    """Fill the tables with what follows what in random sequences, and give them half of the weight."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, back_off.known + 2, 400)
    target = np.minimum(random.integers(1, back_off.known + 2, 400), back_off.known).astype(np.int32)
    times = np.arange(400)
    data = Encoded(
        codes[:, None].astype(np.int32), np.zeros((400, 0), np.float32), times, np.array([0, 100, 400]),
        back_off.known, [], target, times, np.zeros(400, np.float32),
    )  # fmt: skip
    everything = Windows(np.array([0, 100]), np.array([100, 400]), np.ones(400, np.bool_), None)
    fill(back_off, data, everything, Counting(back_off.order, fade=2.0))
    back_off.network_weight = 0.5


def random_model(config: ModelConfig, inputs: Inputs = INPUTS) -> tuple[Any, Manifest]:
    """A model with random weights and counts, and what it says of itself."""
    torch.manual_seed(2)
    family = ARCHITECTURES[config.architecture]
    model: Any = family.build(config, inputs)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    some_counts(model.counts)
    wide = model.embedding_size if family.counted else config.width
    kinds = ("next_action", "time_to_next") if family.counted else ("next_action", "time_to_next", "churn")
    manifest = Manifest(
        config.architecture, asdict(config), inputs, kinds, capabilities_of(model), model.state_size, wide,
        family.fold, family.max_events, None if family.counted else 86_400.0, None, "2024-01-01", "2024-01-02",
    )  # fmt: skip
    return model, manifest


@pytest.fixture
def folds(request: pytest.FixtureRequest, models: tuple[Any, Any]) -> tuple[Any, Any]:
    """`models` where their states can be carried on."""
    if not ARCHITECTURES[CONFIGS[request.node.callspec.params["models"]].architecture].fold:
        pytest.skip("not a fold")
    return models


@pytest.fixture
def windowed(request: pytest.FixtureRequest, models: tuple[Any, Any]) -> tuple[Any, Any]:
    """`models` where they read the newest events alone."""
    if ARCHITECTURES[CONFIGS[request.node.callspec.params["models"]].architecture].max_events is None:
        pytest.skip("reads all events")
    return models


def made(lengths: list[int], seed: int = 0, start: int = 1_700_000_000_000_000) -> Sequences:
    """Random sequences with known and unknown actions, missing values and ties in time."""
    random = np.random.default_rng(seed)
    size = sum(lengths)
    offsets = offsets_of(np.array(lengths, np.int64))
    gaps = (10 ** random.uniform(0, 12, size)).astype(np.int64) * (random.random(size) < 0.8)
    times = np.concatenate([start + np.cumsum(gaps[a:b]) for a, b in zip(offsets, offsets[1:], strict=False)] or [gaps])
    names = np.array([*INPUTS.actions, "never seen", "café"])
    numbers = {name: random.normal(0, 1e4, size) for name in INPUTS.numeric}
    numbers["price"][random.random(size) < 0.2] = np.nan
    return Sequences(
        pa.array(names[random.integers(0, len(names), size)]) if size else pa.array([], pa.string()),
        times.astype(np.int64),
        offsets,
        {
            "brand": pa.array(random.choice(np.array(["a", "b", "c", "new", None], object), size), pa.string()),
            **{name: pa.array(values) for name, values in numbers.items()},
        },
    )


def without_times(sequences: Sequences) -> Sequences:
    """The same as plain lists of actions would come."""
    times = np.full_like(sequences.times, NO_TIME)
    return Sequences(sequences.actions, times, sequences.offsets, sequences.features)


def part(sequences: Sequences, begin: Any, end: Any) -> Sequences:
    """Events [begin, end) of each sequence."""
    pieces = [np.arange(a + b, a + e) for a, b, e in zip(sequences.offsets[:-1], begin, end, strict=True)]
    rows = np.concatenate(pieces).astype(np.int64)
    features = {name: column.take(pa.array(rows)) for name, column in sequences.features.items()}
    return Sequences(sequences.actions.take(pa.array(rows)), sequences.times[rows], offsets_of(end - begin), features)


def encoded(
    model: Any, sequences: Sequences, hidden: torch.Tensor | None = None, clock: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.inference_mode():
        found: tuple[torch.Tensor, torch.Tensor] = model.encode(encode_sequences(sequences, INPUTS), hidden, clock)
    return found


def heads(model: Any, hidden: torch.Tensor) -> dict[str, torch.Tensor]:
    elapsed = torch.linspace(0, 1e7, len(hidden)).double()
    with torch.inference_mode():
        return {
            "next": torch.softmax(model.next_logits(hidden), 1),
            "seconds": torch.log1p(model.seconds(hidden)),
            "churn": model.churn(hidden, elapsed),
            "embed": model.embed(hidden),
        }


def assert_near(a: torch.Tensor, b: torch.Tensor, tolerance: float) -> None:
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
