"""Figures of quality against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sqlscore.training.data.split import Churn
from sqlscore.training.evaluation.baselines import Transitions, all_of, majority, markov, repeat_last
from sqlscore.training.evaluation.metrics import calibration_error, churn_metrics, next_action_metrics, time_metrics
from sqlscore.training.evaluation.verdict import verdict
from sqlscore.training.learning.calibration import temperature
from sqlscore.training.learning.churn_calibration import platt


def after(previous: list[int], last: list[int], following: list[int]) -> Transitions:
    """One target a second."""
    recent = np.array([last, previous, [0] * len(last)]).T
    return Transitions(recent, np.array(following), np.arange(len(last)))


# one user's actions 1 2 1 2 1 3, another's 1 2 3: (previous, last) -> following
TRAIN = after([0, 1, 2, 1, 2, 0, 1], [1, 2, 1, 2, 1, 1, 2], [2, 1, 2, 1, 3, 2, 3])


def test_majority_is_the_most_frequent_following_action() -> None:
    """Followings are 2 1 2 1 3 2 3: three times 2, add-one smoothed over 3 actions."""
    guess = majority(TRAIN, after([0], [3], [2]), 3)
    assert guess.best.tolist() == [2]
    assert guess.probability[0] == pytest.approx(4 / 10)


def test_repeat_last_repeats() -> None:
    """No action repeats in training, so repeating is improbable: 1 / (7 + 2)."""
    guess = repeat_last(TRAIN, after([0, 0], [3, 1], [3, 2]), 3)
    assert guess.best.tolist() == [3, 1]
    assert guess.probability[0] == pytest.approx(1 / 9)
    assert guess.probability[1] == pytest.approx((8 / 9) * 0.4 / (1 - 0.3))


def test_markov_backs_off_to_the_shorter_context() -> None:
    """After 1: 2 2 3 2; after 2: 1 1 3. Two pseudo-observations of the shorter context's distribution each."""
    test = after([0, 2, 9 % 4], [1, 1, 3], [2, 3, 2])
    share = {1: 3 / 10, 2: 4 / 10, 3: 3 / 10}
    first = {y: (count + 2 * share[y]) / 6 for y, count in {1: 0, 2: 3, 3: 1}.items()}
    one = markov(TRAIN, test, 3, 1)
    assert one.best.tolist() == [2, 2, 2]
    assert one.probability == pytest.approx([first[2], first[3], share[2]])
    two = markov(TRAIN, test, 3, 2)
    # after (none, 1): 2 2; after (2, 1): 2 3; (1, 3) was never seen
    assert two.probability == pytest.approx([(2 + 2 * first[2]) / 4, (1 + 2 * first[3]) / 4, share[2]])
    assert two.best.tolist() == [2, 2, 2]


def test_the_recent_half_is_that_of_the_newest_targets() -> None:
    """Of seven targets the last three; after (2, 1) comes 3 there."""
    newer = TRAIN.newer()
    assert newer.following.tolist() == [3, 2, 3]
    guesses = all_of(TRAIN, after([2], [1], [3]), 3)
    assert set(guesses) == {
        "majority", "repeat_last", "markov1", "markov2", "markov3", "markov2_recent", "markov3_recent"
    }  # fmt: skip
    assert guesses["markov2_recent"].best.tolist() == [3]
    assert guesses["markov2_recent"].probability[0] > guesses["markov2"].probability[0]


def test_markov_distributions_sum_to_one() -> None:
    """Over every possible next action."""
    for order in (1, 2):
        total = sum(markov(TRAIN, after([1, 2], [2, 1], [y, y]), 3, order).probability for y in (1, 2, 3))
        assert total == pytest.approx([1, 1])


def test_next_action_metrics_by_hand() -> None:
    """Two of four right, one target unknown to the model (code 0): wrong, and without log-loss."""
    found = next_action_metrics(
        np.array([1, 2, 2, 0]),
        np.array([1, 2, 1, 1]),
        np.array([True, True, True, False]),
        np.array([0.5, 0.25, 0.125, 0.0]),
        np.array([0.5, 0.5, 0.5, 0.5]),
    )
    assert found["n"] == 4
    assert found["accuracy"] == 0.5
    assert found["top3"] == 0.75
    assert found["log_loss"] == pytest.approx(np.log(2) * (1 + 2 + 3) / 3)
    assert found["macro_f1"] == pytest.approx((0.5 + 2 / 3 + 0) / 3)
    assert found["ece"] == pytest.approx(0.0)


def test_calibration_error_by_hand() -> None:
    """Said 0.9 twice and was right once; said 0.1 twice and was never right."""
    error = calibration_error(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, False, False]), 10)
    assert error == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)


def test_time_metrics_by_hand() -> None:
    """Beside the training median."""
    found = time_metrics(np.array([1.0, 10.0, 100.0]), np.array([2.0, 10.0, 50.0]), 10.0)
    assert found["mae_seconds"] == pytest.approx(17.0)
    assert found["median_ae_seconds"] == 1.0
    assert found["baselines"]["median"] == {"mae_seconds": pytest.approx(33.0), "median_ae_seconds": 9.0}


def test_churn_metrics_by_hand() -> None:
    """Ranked by the model without a fault, by recency with one, by few events at chance."""
    found = churn_metrics(
        np.array([True, False, True, False]),
        np.array([0.9, 0.1, 0.8, 0.2]),
        np.array([5.0, 1.0, 2.0, 3.0]),
        np.array([1, 1, 2, 2]),
    )
    assert found["base_rate"] == 0.5
    assert found["auc"] == 1.0
    assert found["baselines"]["recency"]["auc"] == 0.75
    assert found["baselines"]["frequency"]["auc"] == 0.5
    assert found["brier"] == pytest.approx((0.01 + 0.01 + 0.04 + 0.04) / 4)


@pytest.mark.parametrize("churned", [[], [True, True]])
def test_churn_of_one_kind_of_user_has_no_auc(churned: list[bool]) -> None:
    """Nothing can be ranked; saying 0.5 would be an invention."""
    labels = np.array(churned, np.bool_)
    found = churn_metrics(labels, np.full(len(labels), 0.5), np.ones(len(labels)), np.ones(len(labels), np.int64))
    assert found["auc"] is None
    assert found["n"] == len(labels)


def test_temperature_recovers_what_overconfident_logits_were_multiplied_by() -> None:
    """Logits three times too large need T = 3."""
    import torch

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 5, generator=generator)
    actions = torch.multinomial(torch.softmax(logits, 1), 1, generator=generator)[:, 0]
    assert temperature(logits * 3, actions) == pytest.approx(3.0, rel=0.05)


def test_platt_recovers_a_known_map_and_never_turns_the_order_round() -> None:
    """sigmoid(0.5 z + 1) on many examples; labels against the logit would ask for a negative slope."""
    import torch

    generator = torch.Generator().manual_seed(0)
    z = torch.randn(50_000, generator=generator) * 2
    churned = (torch.rand(50_000, generator=generator) < torch.sigmoid(0.5 * z + 1)).float()
    assert platt(z, churned).tolist() == pytest.approx([0.5, 1.0], abs=0.05)
    assert float(platt(z, (z < 0).float())[0]) > 0
    assert torch.isfinite(platt(z * 1e4, churned)).all()


def made(accuracy: float, auc: float, mae: float, typical: float | None = None) -> dict[str, Any]:
    baselines = {name: {"accuracy": 0.5, "log_loss": 1.0} for name in ("majority", "markov2")}
    return {
        "next_action": {"n": 10_000, "accuracy": accuracy, "log_loss": 0.9, "baselines": baselines},
        "time_to_next": {
            "n": 10,
            "mae_seconds": mae,
            "median_ae_seconds": mae if typical is None else typical,
            "baselines": {"median": {"mae_seconds": 100.0, "median_ae_seconds": 100.0}},
        },
        "churn": {"n": 10, "auc": auc, "baselines": {"recency": {"auc": 0.7}, "frequency": {"auc": 0.6}}},
    }


def test_verdict_says_so_where_a_baseline_is_as_good() -> None:
    """Nobody should have to compare the figures to learn that a model is not worth it."""
    better, worse = " ".join(verdict(made(0.6, 0.8, 50.0))), " ".join(verdict(made(0.4, 0.65, 150.0)))
    assert better.count("beats") == 3
    assert worse.count("does not beat") == 3
    assert "recency" in worse


def test_verdict_claims_nothing_within_the_noise() -> None:
    """One event more out of hundreds is no victory, and a better mean may come with a worse median."""
    said = verdict(made(0.505, 0.8, 50.0, typical=150.0))
    assert "is about that of" in said[0]
    assert "better in one, not in the other" in said[1]
    assert "beats" not in said[0] + said[1]


def test_verdict_says_so_where_every_action_is_new() -> None:
    """There is no log-loss to report then, and nothing to compare."""
    found = made(0.0, 0.8, 50.0)
    found["next_action"]["log_loss"] = None
    assert "train on newer events" in verdict(found)[0]


def test_verdict_says_if_churn_was_tested_on_other_users_alone() -> None:
    """Nobody should take that for a figure of a later period."""
    found = made(0.6, 0.8, 50.0)
    churn = Churn(1, None, (1,), (1,), (1,), by_users=True)
    assert "not on a later period" not in " ".join(verdict(found))
    found["churn"]["tested_on"] = replace(churn, by_users=False).tested_on
    assert "not on a later period" not in " ".join(verdict(found))
    found["churn"]["tested_on"] = churn.tested_on
    assert "tested on other users on the same dates, not on a later period" in " ".join(verdict(found))


@pytest.mark.parametrize(("rate", "did"), [(1.0, "churned"), (0.0, "came back")])
def test_verdict_says_so_where_churn_has_one_kind_of_user(rate: float, did: str) -> None:
    """Nothing can be ranked then."""
    found = made(0.6, 0.8, 50.0)
    found["churn"] = {"n": 1_500, "base_rate": rate, "auc": None}
    assert f"all 1,500 examples of the test {did}" in " ".join(verdict(found))


def test_times_in_a_verdict_are_in_units_that_people_read() -> None:
    said = " ".join(verdict(made(0.6, 0.8, 34_050_290.0)))
    assert "394 days" in said
    assert "34,050,290" not in said


def test_a_log_with_one_action_is_not_judged_by_its_accuracy() -> None:
    only = made(1.0, 0.8, 50.0)
    for found in (only["next_action"], *only["next_action"]["baselines"].values()):
        found |= {"accuracy": 1.0, "log_loss": -1e-15}
    said = verdict(only)[0]
    assert said.startswith("Next action: there is one action only")
    assert "-0.000" not in said
