"""What every architecture must hold to, so that the scoring path need not know which one it runs."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlscore.batch import Batch, encode_sequences
from sqlscore.events import NO_TIME, Inputs
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.export import script, to_torchscript
from sqlscore.sequences import Sequences, offsets_of

INPUTS = Inputs((*(f"action {i}" for i in range(40)), "zurück"), {"brand": ("a", "b", "c")}, ("price", "quantity"))
FAR_FUTURE = 9_223_371_331_200_000_000 - 10**15  # the year 294,000 or so


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the runtime scores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


OTHER_CONFIGS = {
    "attention_rnn/global": ModelConfig(architecture="attention_rnn", attention="global"),
    "attention_rnn/self": ModelConfig(architecture="attention_rnn", attention="self"),
}
CONFIGS = {name: ModelConfig(architecture=name) for name in ARCHITECTURES} | OTHER_CONFIGS


@pytest.fixture(scope="module", params=sorted(CONFIGS))
def models(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """(the eager model with random weights, the same one exported and loaded)."""
    torch.manual_seed(1)
    config = CONFIGS[request.param]
    model: Any = ARCHITECTURES[config.architecture].build(config, INPUTS)
    for parameter in model.parameters():
        # of a size that leaves rounding errors as they are: larger weights would enlarge them layer by layer
        torch.nn.init.normal_(parameter, std=min(0.2, (parameter.shape[-1] or 1) ** -0.5))
    model.eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit.*", category=DeprecationWarning)
        return model, torch.jit.load(io.BytesIO(to_torchscript(model)))


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
            "brand": pa.array(random.choice(["a", "b", "c", "new", None], size), pa.string()),
            **{name: pa.array(values) for name, values in numbers.items()},
        },
    )


def encoded(
    model: Any, sequences: Sequences, hidden: torch.Tensor | None = None, clock: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.inference_mode():
        return model.encode(*encode_sequences(sequences, INPUTS).tensors(), hidden, clock)


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


def test_every_head_answers_for_every_sequence(models: tuple[Any, Any]) -> None:
    """Shapes, types and ranges of the runtime's contract."""
    hidden, clock = encoded(models[1], made([3, 0, 1, 20]))
    assert hidden.shape == (4, models[0].state_size)
    assert hidden.dtype == torch.float32
    assert clock.shape == (4, 2)
    assert clock.dtype == torch.int64
    out = heads(models[1], hidden)
    assert out["next"].shape == (4, len(INPUTS.actions))
    assert_near(out["next"].sum(1), torch.ones(4), 1e-5)
    assert out["seconds"].shape == out["churn"].shape == (4,)
    assert out["seconds"].dtype == torch.float64
    assert bool(((out["churn"] > 0) & (out["churn"] < 1)).all())
    assert len(out["embed"]) == 4
    assert all(bool(torch.isfinite(value).all()) for value in out.values())


def test_clock_holds_first_and_last_time(models: tuple[Any, Any]) -> None:
    """The runtime computes elapsed time from it."""
    sequences = made([5, 0, 1])
    _, clock = encoded(models[1], sequences)
    first, last = sequences.times[0], sequences.times[4]
    assert clock.tolist() == [[first, last], [NO_TIME, NO_TIME], [sequences.times[5], sequences.times[5]]]


def test_eager_and_scripted_agree(models: tuple[Any, Any]) -> None:
    """What is evaluated in training is what is scored."""
    sequences = made([7, 1, 0, 60, 2], seed=2)
    (eager, _), (scripted, _) = (encoded(model, sequences) for model in models)
    assert_near(eager, scripted, 1e-6)
    for a, b in zip(heads(models[0], eager).values(), heads(models[1], scripted).values(), strict=True):
        assert_near(a, b, 1e-6)


def test_order_of_the_batch_changes_nothing(models: tuple[Any, Any]) -> None:
    """A score must not depend on neighbours."""
    sequences = made([4, 9, 1, 0, 33, 9], seed=3)
    order = np.array([5, 3, 0, 4, 2, 1])
    hidden, _ = encoded(models[1], sequences)
    shuffled, _ = encoded(models[1], sequences.select(order))
    assert_near(hidden[order], shuffled, 1e-6)


def test_a_sequence_alone_scores_as_in_a_batch(models: tuple[Any, Any]) -> None:
    """The same, at its limit: no neighbours at all."""
    sequences = made([4, 200, 1, 12], seed=4)
    together, _ = encoded(models[1], sequences)
    for i in range(4):
        alone, _ = encoded(models[1], sequences.select(np.array([i])))
        assert_near(together[i : i + 1], alone, 2e-6)


def test_state_after_every_event_is_the_state_of_that_prefix(models: tuple[Any, Any]) -> None:
    """Training and per-event history read `encode_each`; scoring reads `encode`."""
    sequences = made([17], seed=5)
    batch = encode_sequences(sequences, INPUTS)
    with torch.inference_mode():
        each, clocks = models[1].encode_each(*batch.tensors(), None, None)
    for n in range(1, 18):
        prefix = Sequences(
            sequences.actions[:n],
            sequences.times[:n],
            np.array([0, n]),
            {name: column[:n] for name, column in sequences.features.items()},
        )
        hidden, clock = encoded(models[1], prefix)
        assert_near(each[n - 1 : n], hidden, 1e-5)
        assert clocks[n - 1].tolist() == clock[0].tolist()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_fold_advanced_by_new_events_equals_the_whole(folds: tuple[Any, Any], data: st.DataObject) -> None:
    """An incremental refresh must give the scores of a full one."""
    models = folds
    lengths = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=5))
    sequences = made(lengths, seed=data.draw(st.integers(0, 1000)))
    if data.draw(st.booleans()):
        sequences = without_times(sequences)
    cuts = np.array([data.draw(st.integers(0, n)) for n in lengths])
    hidden, clock = encoded(models[1], part(sequences, np.zeros_like(cuts), cuts))
    hidden, clock = encoded(models[1], part(sequences, cuts, sequences.lengths), hidden, clock)
    whole, whole_clock = encoded(models[1], sequences)
    assert_near(hidden, whole, 1e-5)
    assert clock.tolist() == whole_clock.tolist()


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


def test_an_empty_sequence_leaves_its_state_as_it_is(folds: tuple[Any, Any]) -> None:
    """Users without new events keep their state bit by bit."""
    models = folds
    hidden, clock = encoded(models[1], made([3, 5]))
    after, after_clock = encoded(models[1], made([0, 2], start=1_800_000_000_000_000), hidden, clock)
    assert torch.equal(after[0], hidden[0])
    assert torch.equal(after_clock[0], clock[0])
    assert not torch.equal(after[1], hidden[1])


@pytest.mark.parametrize("lengths", [[], [0], [0, 0, 0], [1]])
def test_hardly_any_events_are_fine(models: tuple[Any, Any], lengths: list[int]) -> None:
    """Engines pass empty batches too."""
    for model in models:
        hidden, clock = encoded(model, made(lengths))
        assert hidden.shape[0] == clock.shape[0] == len(lengths)
        assert all(bool(torch.isfinite(value).all()) for value in heads(model, hidden).values())


def test_unknown_actions_alone_still_score_and_differ_by_name(models: tuple[Any, Any]) -> None:
    """A never-seen action is read through its name, so two of them are not the same thing."""
    if not hasattr(models[0], "events"):
        pytest.skip("counts codes alone")
    found = []
    for name in ("action 1 again", "Ωmega"):
        one = made([4])
        found.append(encoded(models[1], Sequences(pa.array([name] * 4), one.times, one.offsets, one.features))[0])
    assert bool(torch.isfinite(found[0]).all())
    assert not torch.allclose(found[0], found[1], atol=1e-4)


def test_a_novel_action_does_not_depend_on_the_batch_it_comes_in(models: tuple[Any, Any]) -> None:
    """Its code is given per batch; its vector must come from its name alone."""
    base = made([3, 3], seed=7)
    actions = pa.array(["x1", "new thing", "y", "q", "new thing", "x1"])
    together = Sequences(actions, base.times, base.offsets, base.features)
    hidden, _ = encoded(models[1], together)
    alone, _ = encoded(models[1], together.select(np.array([1])))
    assert_near(hidden[1:], alone, 5e-6)


@pytest.mark.parametrize("start", [-(10**17), 0, FAR_FUTURE])
def test_times_before_1970_and_in_the_far_future_are_fine(models: tuple[Any, Any], start: int) -> None:
    """DuckDB's TIMESTAMP spans 580,000 years."""
    sequences = made([6, 2], start=start)
    wide = Sequences(sequences.actions, sequences.times, sequences.offsets, sequences.features)
    wide.times[0] = -FAR_FUTURE
    hidden, _ = encoded(models[1], wide)
    assert bool(torch.isfinite(hidden).all())
    assert all(bool(torch.isfinite(value).all()) for value in heads(models[1], hidden).values())


def test_plain_lists_without_times_score(models: tuple[Any, Any]) -> None:
    """`VARCHAR[]` has actions and no times."""
    with_times = made([8, 1])
    hidden, clock = encoded(models[1], without_times(with_times))
    assert bool((clock == NO_TIME).all())
    assert not torch.allclose(hidden, encoded(models[1], with_times)[0])
    assert bool(torch.isfinite(heads(models[1], hidden)["next"]).all())


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38, -3e38, 0.0])
def test_extreme_numbers_give_finite_scores(models: tuple[Any, Any], value: float) -> None:
    """A bad price must not turn a user's scores into NaN."""
    sequences = made([5])
    sequences.features["price"] = pa.array([value] * 5, pa.float64())
    batch = encode_sequences(sequences, INPUTS)
    batch.numbers[:, 0] = float(np.float32(value))  # even where the batch would have cleaned it
    with torch.inference_mode():
        hidden, _ = models[1].encode(*batch.tensors(), None, None)
    assert all(bool(torch.isfinite(out).all()) for out in heads(models[1], hidden).values())


def test_strange_elapsed_times_give_probabilities(models: tuple[Any, Any]) -> None:
    """An as_of before the last event, at it, or ages later."""
    hidden, _ = encoded(models[1], made([3, 3, 3, 3]))
    with torch.inference_mode():
        risk = models[1].churn(hidden, torch.tensor([-5.0, 0.0, 1e13, float("nan")]).double())
    assert bool(((risk >= 0) & (risk <= 1)).all())


@pytest.mark.slow
def test_a_user_of_100_000_events_scores_and_folds(folds: tuple[Any, Any]) -> None:
    """Robots and shared accounts exist."""
    models = folds
    sequences = made([100_000, 2], start=0)
    hidden, _ = encoded(models[1], sequences)
    assert bool(torch.isfinite(hidden).all())
    cuts = np.array([60_000, 1])
    first = encoded(models[1], part(sequences, np.zeros_like(cuts), cuts))
    folded, _ = encoded(models[1], part(sequences, cuts, sequences.lengths), *first)
    assert_near(folded, hidden, 1e-5)


def test_longer_than_the_window_scores_as_its_newest_events(windowed: tuple[Any, Any]) -> None:
    """What leaves the window is forgotten by the encoder and by the summaries."""
    for model in windowed:
        window = model.window
        sequences = made([2 * window + 5, window + 1, 3], seed=11)
        newest = sequences.newest(window)
        assert_near(encoded(model, sequences)[0], encoded(model, newest)[0], 1e-6)
        assert encoded(model, sequences)[1].tolist() == encoded(model, newest)[1].tolist()


def test_no_event_sees_a_later_one(models: tuple[Any, Any]) -> None:
    """Training reads `encode_each`: the future must not leak, past a window's edge neither."""
    length = min(3 * getattr(models[0], "window", 50) + 3, 600)
    before, after = made([length], seed=12), made([length], seed=12)
    cut = length - 5
    actions = after.actions.to_pylist()
    actions[cut:] = ["action 3"] * (length - cut)
    after = Sequences(pa.array(actions), after.times, after.offsets, after.features)
    states = []
    for sequences in (before, after):
        with torch.inference_mode():
            batch = encode_sequences(sequences, INPUTS)
            states.append(models[1].encode_each(*batch.tensors(), None, None)[0])
    assert_near(states[0][:cut], states[1][:cut], 1e-5)
    assert not torch.allclose(states[0][cut:], states[1][cut:], atol=1e-3)


def test_attention_weights_of_a_sequence_sum_to_one(models: tuple[Any, Any]) -> None:
    """They explain a score event by event."""
    if not hasattr(models[1], "attention"):
        pytest.skip("has no attention")
    sequences = made([7, 0, 300, 1], seed=13)
    with torch.inference_mode():
        weights = models[1].attention(*encode_sequences(sequences, INPUTS).tensors())
    assert bool((weights >= 0).all())
    sums = [float(weights[a:b].sum()) for a, b in zip(sequences.offsets, sequences.offsets[1:], strict=False)]
    assert sums == pytest.approx([1, 0, 1, 1], abs=1e-5)
    assert bool((weights[7 : 307 - models[0].window] == 0).all())


def test_one_thread_and_two_give_the_same(models: tuple[Any, Any]) -> None:
    """Scores must not depend on the machine's threads."""
    sequences = made([30] * 300, seed=9)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one, _ = encoded(models[1], sequences)
        torch.set_num_threads(2)
        two, _ = encoded(models[1], sequences)
    finally:
        torch.set_num_threads(threads)
    assert_near(one, two, 1e-6)


def test_training_mode_computes_the_same_states_as_scoring(folds: tuple[Any, Any]) -> None:
    """The encoder may lay a batch out otherwise where it needs gradients, never compute something else."""
    model = copy.deepcopy(folds[0])
    if not hasattr(model, "encoder"):
        pytest.skip("has no encoder")
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    x, offsets = torch.randn(23, 32), torch.tensor([0, 5, 5, 6, 23])
    state = torch.randn(4, model.size)
    for each in (True, False):
        with torch.no_grad():
            scoring = model.encoder.eval()(x, offsets, state, each)
            training = model.encoder.train()(x, offsets, state, each)
        read = model.heads.hidden if each else model.size  # what no head reads may be left out on the way
        assert_near(scoring[:, :read], training[:, :read], 1e-6)


def test_config_round_trips_through_json() -> None:
    """A config is stored with the model."""
    config = ModelConfig(embedding=8, decay_seconds=(1.0, 2.5), churn=False)
    assert ModelConfig.from_json(config.to_json()) == config


def test_export_leaves_the_model_as_it_is_and_holds_no_path() -> None:
    """An artifact travels: where it was made is nobody's business, and the same model has the same bytes."""
    torch.manual_seed(0)
    model: Any = ARCHITECTURES["gru"].build(ModelConfig(), INPUTS).train()
    first, second = to_torchscript(model), to_torchscript(model)
    assert first == second
    assert model.training
    assert len(model.events.frozen) == 0
    assert __file__.rsplit("/", 2)[0].encode() not in first


def test_first_calls_of_a_scripted_model_are_not_specialised_to_a_shape() -> None:
    """Batches differ in every shape, so the compiler must not start over for each."""
    model = script(ARCHITECTURES["gru"].build(ModelConfig(), INPUTS))
    for lengths in ([1], [5, 9, 1], [0, 2], [40] * 7):
        batch: Batch = encode_sequences(made(lengths, seed=len(lengths)), INPUTS)
        with torch.inference_mode():
            hidden, _ = model.encode(*batch.tensors(), None, None)
        assert hidden.shape[0] == len(lengths)
