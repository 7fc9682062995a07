"""Figures of quality against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.training.data.split import Churn
from sqlscore.training.evaluation import time_baselines
from sqlscore.training.evaluation.baselines import Transitions, all_of, majority, markov, repeat_last
from sqlscore.training.evaluation.metrics import (
    QUANTILES,
    calibration_error,
    churn_metrics,
    next_action_metrics,
    time_metrics,
)
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
    """9, 99 and 999 seconds: 1, 2 and 3 powers of ten with the second that is added."""
    log_gap = np.log(10) * np.array([1.0, 2.0, 3.0])
    predicted = np.log(10) * np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 4.0], [4.0, 4.0, 4.0]])
    found = time_metrics(log_gap, predicted, {"median": np.log(10) * np.tile([1.0, 2.0, 3.0], (3, 1))})
    assert found["n"] == 3
    assert found["mean_log10_error"] == pytest.approx(1 / 3)
    assert [found[f"coverage_{name}"] for name in QUANTILES] == pytest.approx([1 / 3, 1, 1])
    assert found["pinball_p10"] == pytest.approx((0.1 + 0.1 + 0.9) / 3)
    assert found["pinball_p50"] == pytest.approx(1 / 6)
    assert found["pinball_p90"] == pytest.approx((0.1 + 0.2 + 0.1) / 3)
    assert found["mae_seconds"] == pytest.approx(3_000.0)
    assert found["median_ae_seconds"] == pytest.approx(0.0, abs=1e-9)
    assert found["baselines"]["median"]["mean_log10_error"] == pytest.approx(2 / 3)


def test_an_older_model_is_judged_by_its_median_alone() -> None:
    """It says nothing of other quantiles, and of no event there is nothing to say."""
    predicted = np.array([[np.nan, 1.0, np.nan]])
    found = time_metrics(np.array([1.0]), predicted, {})
    assert found["pinball_p50"] == 0.0
    assert found["pinball_p10"] is found["coverage_p90"] is None
    assert time_metrics(np.zeros(0), predicted[:0], {})["mean_log10_error"] is None


def test_baselines_of_time_know_the_action_and_the_hour_where_they_met_them_often() -> None:
    """Twenty gaps after action 1 in each of two hours, three after action 2: these are too few to speak for."""
    action, hour = np.repeat([1, 1, 2], [20, 20, 3]), np.repeat([0, 1, 1], [20, 20, 3])
    gaps = np.repeat([1.0, 3.0, 9.0], [20, 20, 3])
    asked = np.array([1, 1, 2]), np.array([0, 1, 1])
    found = time_baselines.all_of(gaps, (action, hour), asked, np.array([0.5]))
    assert found["median"][:, 0].tolist() == [3, 3, 3]
    assert found["action_median"][:, 0].tolist() == [2, 2, 3]
    assert found["action_hour_median"][:, 0].tolist() == [1, 3, 3]


@given(data=st.data())
def test_quantiles_of_groups_are_those_of_numpy(data: st.DataObject) -> None:
    """All groups at once, without a loop."""
    gaps = np.array(data.draw(st.lists(st.floats(0, 20), min_size=1, max_size=30)))
    group = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(gaps), max_size=len(gaps))))
    levels = np.array([0.0, 0.1, 0.5, 1.0])
    found = time_baselines.quantiles_of_groups(gaps, group, 4, levels)
    for which in range(4):
        wanted = np.quantile(gaps[group == which], levels) if (group == which).any() else np.full(4, np.nan)
        np.testing.assert_allclose(found[which], wanted, rtol=1e-12, atol=1e-12)


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
    assert temperature(logits[:3] * 3, actions[:3]) == pytest.approx(1.0, rel=0.1)  # three targets prove nothing


def test_platt_recovers_a_known_map_and_never_turns_the_order_round() -> None:
    """sigmoid(0.5 z + 1) on many examples; labels against the logit would ask for a negative slope."""
    import torch

    generator = torch.Generator().manual_seed(0)
    z = torch.randn(50_000, generator=generator) * 2
    churned = (torch.rand(50_000, generator=generator) < torch.sigmoid(0.5 * z + 1)).float()
    assert platt(z, churned).tolist() == pytest.approx([0.5, 1.0], abs=0.05)
    assert float(platt(z, (z < 0).float())[0]) > 0
    assert np.isfinite(platt(z * 1e4, churned)).all()


def made(accuracy: float, auc: float, error: float) -> dict[str, Any]:
    baselines = {name: {"accuracy": 0.5, "log_loss": 1.0} for name in ("majority", "markov2")}
    return {
        "next_action": {"n": 10_000, "accuracy": accuracy, "log_loss": 0.9, "baselines": baselines},
        "time_to_next": {
            "n": 10,
            "mean_log10_error": error,
            "coverage_p10": 0.125,
            "coverage_p50": 0.5,
            "coverage_p90": 0.875,
            "baselines": {
                "median": {"mean_log10_error": 1.0},
                "action_median": {"mean_log10_error": 0.5},
            },
        },
        "churn": {
            "n": 10_000,
            "base_rate": 0.5,
            "auc": auc,
            "baselines": {"recency": {"auc": 0.7}, "frequency": {"auc": 0.6}},
        },
    }


def test_verdict_says_so_where_a_baseline_is_as_good() -> None:
    """Nobody should have to compare the figures to learn that a model is not worth it."""
    better, worse = " ".join(verdict(made(0.6, 0.8, 0.25))), " ".join(verdict(made(0.4, 0.65, 0.75)))
    assert better.count("beats") == 3
    assert worse.count("does not beat") == 3
    assert "recency" in worse


def test_verdict_claims_nothing_within_the_noise() -> None:
    """One event more out of hundreds is no victory."""
    said = verdict(made(0.505, 0.8, 0.25))
    assert "is about that of" in said[0]
    assert "beats" not in said[0]


def test_verdict_tells_events_that_say_nothing_from_events_that_counting_reads_as_well() -> None:
    """Where a chain of actions is all there is, counting cannot be beaten, and the scores are as good as they get."""
    found = made(0.5, 0.8, 0.25)
    found["next_action"]["log_loss"] = 0.99
    found["next_action"]["baselines"]["markov2"]["log_loss"] = 0.985
    assert "these events say little about the next one; do not rely on" in verdict(found)[0]
    found["next_action"]["baselines"]["majority"]["log_loss"] = 2.0
    said = verdict(found)[0]
    assert "log-loss without them 2.000), and counting what followed them does as well" in said
    assert "say little" not in said


def test_verdict_says_so_where_every_action_is_new() -> None:
    """There is no log-loss to report then, and nothing to compare."""
    found = made(0.0, 0.8, 0.25)
    found["next_action"]["log_loss"] = None
    assert "train on newer events" in verdict(found)[0]


def test_verdict_says_if_churn_was_tested_on_other_users_alone() -> None:
    """Nobody should take that for a figure of a later period."""
    found = made(0.6, 0.8, 0.25)
    churn = Churn(1, None, (1,), (1,), (1,), by_users=True)
    assert "not on a later period" not in " ".join(verdict(found))
    found["churn"]["tested_on"] = replace(churn, by_users=False).tested_on
    assert "not on a later period" not in " ".join(verdict(found))
    found["churn"]["tested_on"] = churn.tested_on
    assert "tested on other users on the same dates, not on a later period" in " ".join(verdict(found))


def test_verdict_reads_a_ranking_either_way() -> None:
    """An AUC of .1 ranks as well as one of .9: where customers keep a pace, who came long ago is due."""
    found = made(0.6, 0.85, 0.25)
    found["churn"]["baselines"] = {"recency": {"auc": 0.1}, "frequency": {"auc": 0.4}}
    assert "0.850 does not beat recency read backwards alone (0.900)" in verdict(found)[2]


def test_verdict_claims_no_churn_within_the_noise() -> None:
    """By Hanley & McNeil's table, 100 gone and 100 back at an AUC of .8 leave a standard error of .0313."""
    found = made(0.6, 0.8, 0.25)
    found["churn"] |= {"n": 200, "base_rate": 0.5, "baselines": {"recency": {"auc": 0.739}, "frequency": {"auc": 0.6}}}
    assert "by less than chance may do among 200 examples" in verdict(found)[2]
    found["churn"]["baselines"]["recency"]["auc"] = 0.736
    assert "beats recency alone (0.736)" in verdict(found)[2]


@pytest.mark.parametrize(("rate", "did"), [(1.0, "churned"), (0.0, "came back")])
def test_verdict_says_so_where_churn_has_one_kind_of_user(rate: float, did: str) -> None:
    """Nothing can be ranked then."""
    found = made(0.6, 0.8, 0.25)
    found["churn"] = {"n": 1_500, "base_rate": rate, "auc": None}
    assert f"all 1,500 examples of the test {did}" in " ".join(verdict(found))


def test_the_verdict_on_time_says_how_far_the_median_is_off_and_how_wide_the_rest() -> None:
    """A mean of seconds would say how long the longest absences were."""
    said = verdict(made(0.6, 0.8, np.log10(2)))[1]
    assert "off by a factor of 2 on average" in said
    assert "beats the best baseline, action_median (3.16)" in said
    assert "50% came before it, 75% between p10 and p90" in said
    older = made(0.6, 0.8, 0.25)
    older["time_to_next"]["coverage_p10"] = None
    assert "p10" not in verdict(older)[1]


def test_a_log_with_one_action_is_not_judged_by_its_accuracy() -> None:
    only = made(1.0, 0.8, 0.25)
    for found in (only["next_action"], *only["next_action"]["baselines"].values()):
        found |= {"accuracy": 1.0, "log_loss": -1e-15}
    said = verdict(only)[0]
    assert said.startswith("Next action: there is one action only")
    assert "-0.000" not in said
    only["next_action"]["baselines"]["majority"]["accuracy"] = 0.6
    assert "one action only" not in verdict(only)[0]  # several, each of which says for sure what follows
