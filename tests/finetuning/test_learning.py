"""What a head learns beside straight lines of all columns, and how free it is with few labels."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from sqlscore.arrays import Floats, Ints
from sqlscore.finetuning import learning
from sqlscore.finetuning.judging import losses
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.learning import STRENGTHS, learn
from sqlscore.finetuning.regression import log_losses, logistic, scale_of
from sqlscore.scoring.label_features import Table
from sqlscore.scoring.label_head import Kind


def labels_of(wanted: Floats | Ints, kind: Kind = "yes_no", values: tuple[str, ...] = ("false", "true")) -> Labels:
    """A label a user, all at one moment."""
    size = len(wanted)
    moment = np.zeros(size, np.int64)
    return Labels(kind, values, wanted.astype(np.float64), moment, moment + 1, np.arange(size))


def bending(size: int, seed: int) -> tuple[Table, Ints]:
    """Ten columns of which the first says yes at both ends, and (N,) whether yes."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(size, 10)).astype(np.float32)
    p = 1 / (1 + np.exp(2.0 - 2.5 * np.abs(features[:, 0])))
    return features, (random.random(size) < p).astype(np.int64)


def test_a_plain_column_may_bend_and_another_may_not() -> None:
    features, wanted = bending(2_000, 3)
    labels, learned, judged = labels_of(wanted), np.arange(1_500), np.arange(1_500, 2_000)
    loss = {}
    for name, plain in (("straight", None), ("plain", np.array([0, 1])), ("another", np.array([1, 2]))):
        head = learn(features, labels, learned, 0, plain=plain).head
        loss[name] = float(losses(labels, judged, head.answers(features[judged])).mean())
    assert loss["plain"] < loss["straight"] - 0.05
    assert abs(loss["another"] - loss["straight"]) < 0.02


def test_narrow_matrices_are_learned_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads of BLAS that wait for each other took seven times the processor time; afterwards there are all again."""
    seen: list[int] = []

    def threads() -> list[int]:
        return [int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"]

    def watched(x: Floats, kinds: Ints, classes: int, strength: float) -> tuple[Floats, Floats]:
        seen.extend(threads())
        return logistic(x, kinds, classes, strength)

    monkeypatch.setattr(learning, "logistic", watched)
    before = threads()
    features, wanted = bending(200, 6)
    learn(features, labels_of(wanted), np.arange(200), 0, plain=np.array([0]))
    assert set(seen) == {1}
    assert threads() == before


def test_the_mean_of_an_amount_bends_too() -> None:
    features, _ = bending(1_000, 4)
    amount = np.exp(np.abs(features[:, 0]).astype(np.float64) * 2)
    labels = labels_of(amount, "amount", ())
    learned = learn(features, labels, np.arange(800), 0, plain=np.array([0, 1, 2]))
    assert learned.choice.amount_plain
    told = np.log(learned.head.expected(features[800:]))
    assert np.corrcoef(told, np.abs(features[800:, 0]))[0, 1] > 0.95


def test_classes_are_a_mixture_too_and_sum_to_one() -> None:
    features, wanted = bending(400, 5)
    labels = labels_of(wanted + (features[:, 1] > 1), "classes", ("a", "b", "c"))
    head = learn(features, labels, np.arange(400), 0, plain=np.arange(3)).head
    assert head.wrong() is None
    np.testing.assert_allclose(head.probabilities(features).sum(1), 1.0)


def test_what_was_chosen_is_learned_again_as_it_was() -> None:
    features, wanted = bending(600, 6)
    labels, rows, plain = labels_of(wanted), np.arange(600), np.arange(4)
    first = learn(features, labels, rows, 0, plain=plain)
    again = learn(features, labels, rows, 0, first.choice, plain=plain)
    assert again.choice == first.choice
    np.testing.assert_array_equal(again.head.weights, first.head.weights)
    np.testing.assert_array_equal(again.head.scale, first.head.scale)


def test_few_rare_labels_leave_little_freedom() -> None:
    """Three yes of a hundred cannot say how freely to learn: a lucky fold would choose the most."""
    features, _ = bending(100, 7)
    wanted = np.zeros(100, np.int64)
    wanted[[3, 40, 77]] = 1
    learned = learn(features, labels_of(wanted), np.arange(100), 0, plain=np.arange(4))
    assert max(learned.choice.strength, learned.choice.plain_strength) < STRENGTHS[-2]
    np.testing.assert_array_equal(learned.head.scale, [1.0, 0.0])


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_that_was_not_seen_is_unlikely_and_not_impossible(classes: int) -> None:
    x, kinds = np.random.default_rng(8).normal(size=(50, 3)), np.zeros(50, np.int64)
    weights, bias = logistic(x, kinds, classes, 1.0)
    unseen = log_losses(x @ weights + bias, np.ones(50, np.int64))
    assert (unseen > 2).all()
    assert np.isfinite(unseen).all()


def test_calibration_turns_margins_that_claim_too_much_down() -> None:
    random = np.random.default_rng(9)
    margin = random.normal(size=(4_000, 1))
    truth = (random.random(4_000) < 1 / (1 + np.exp(-margin[:, 0]))).astype(np.int64)
    slope, constant = scale_of(3 * margin, truth)
    assert slope == pytest.approx(1 / 3, rel=0.1)
    assert constant == pytest.approx(0.0, abs=0.1)
