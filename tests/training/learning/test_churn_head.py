"""The churn head on examples whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor

from sqlscore.events.inputs import Inputs
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.training.learning.churn_calibration import calibration, sigmoid
from sqlscore.training.learning.churn_head import Choice, _fit
from sqlscore.training.learning.churn_inputs import FOLDS, ChurnInputs
from sqlscore.training.learning.churn_networks import Networks
from sqlscore.training.learning.logistic import across_folds, fit


def heads() -> Any:
    torch.manual_seed(0)
    config = ModelConfig("gru", embedding=8, hidden=16, width=64)
    return ARCHITECTURES["gru"].build(config, Inputs(("view", "buy"), {}, ())).heads


def examples(count: int, logit: Any, seed: int = 0) -> ChurnInputs:
    """Examples with normal features, 3 for a user, whose logit is a function of the features."""
    random = torch.Generator().manual_seed(seed)
    recent = torch.randn(count, heads().churn_linear.in_features, generator=random)
    churned = (torch.rand(count, generator=random) < torch.sigmoid(logit(recent))).float()
    user, date = torch.arange(count) // 3, torch.arange(count) % 3
    hidden = torch.randn(count, 16, generator=random)
    return ChurnInputs(hidden, recent, churned, date, user, user % FOLDS, torch.ones(count) > 0)


def linear(recent: Tensor) -> Tensor:
    return 1.5 * recent[:, 0] - recent[:, 1] - 0.5


def bent(recent: Tensor) -> Tensor:
    """Nothing that a linear path can see."""
    return 3.0 * recent[:, 0].abs() - 2.4


def risks(fitted: Any, inputs: ChurnInputs) -> Tensor:
    with torch.no_grad():
        risk: Tensor = fitted.churn(inputs.hidden, inputs.recent)
    return risk


@pytest.mark.parametrize("strength", [1e-3, 0.1, 1.0])
def test_logistic_regression_is_that_of_scikit_learn(strength: float) -> None:
    """The intercept has next to no penalty, theirs has none."""
    inputs = examples(600, linear)
    x = torch.cat([inputs.recent, torch.ones(600, 1)], 1).double()
    found = fit(x, inputs.churned.double(), strength)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=1_000).fit(inputs.recent.numpy(), inputs.churned.numpy())
    assert found[:-1].tolist() == pytest.approx(theirs.coef_[0].tolist(), abs=1e-3)
    assert float(found[-1]) == pytest.approx(float(theirs.intercept_[0]), abs=1e-3)


def test_a_fold_is_judged_by_what_has_not_seen_its_labels() -> None:
    """Other labels in a fold change the weights of all folds but its own, and so for the networks."""
    inputs = examples(300, linear)
    other = replace(inputs, churned=torch.where(inputs.fold == 2, 1 - inputs.churned, inputs.churned))
    x = torch.cat([inputs.recent, torch.ones(300, 1)], 1).double()
    start = [torch.zeros(x.shape[1], dtype=torch.float64)] * FOLDS
    first, second = (across_folds(x, one.churned.double(), one.learns, one.fold, 0.1, start) for one in (inputs, other))
    assert torch.equal(first[2], second[2])
    assert not torch.equal(first[1], second[1])
    added = []
    for one in (inputs, other):
        networks = Networks(heads(), 0)
        networks.fit(one, torch.zeros(300, FOLDS), 5)
        with torch.no_grad():
            added.append(networks.each(one))
    assert torch.equal(added[0][:, 2], added[1][:, 2])
    assert not torch.equal(added[0][:, 1], added[1][:, 1])


def test_what_may_not_be_learned_changes_no_weight() -> None:
    """Validation examples choose, and that is all."""
    inputs = replace(examples(600, linear), learns=torch.arange(600) < 450)
    other = replace(inputs, churned=torch.where(inputs.learns, inputs.churned, 1 - inputs.churned))
    first, second = heads(), heads()
    _fit(first, inputs, 0, Choice(0.1))
    _fit(second, other, 0, Choice(0.1))
    assert torch.equal(first.churn_linear.weight, second.churn_linear.weight)
    assert torch.equal(first.churn_linear.bias, second.churn_linear.bias)


def test_networks_are_kept_where_a_line_says_nothing_and_only_there() -> None:
    """Their mean is one product of the head: its risks rank what a linear path cannot."""
    curved, straight = heads(), heads()
    choice, _, _ = _fit(curved, examples(3_000, bent), 0, None)
    assert choice.share > 0
    unseen = examples(2_000, bent, seed=1)
    assert roc_auc_score(unseen.churned, risks(curved, unseen)) > 0.7
    assert _fit(straight, examples(3_000, linear), 0, None)[0].share == 0
    assert not straight.churn_out.weight.any()


def test_a_head_is_fitted_again_with_what_was_chosen() -> None:
    """The last stage has no part left that could choose."""
    inputs = examples(3_000, bent)
    first, again = heads(), heads()
    choice, _, _ = _fit(first, inputs, 0, None)
    _fit(again, inputs, 0, choice)
    assert risks(again, inputs).tolist() == pytest.approx(risks(first, inputs).tolist(), abs=1e-5)


def test_seeds_agree() -> None:
    """One seed's accident must not be the ranking."""
    inputs, unseen = examples(1_500, linear), examples(2_000, linear, seed=1)
    aucs = []
    for seed in range(3):
        fitted = heads()
        _fit(fitted, inputs, seed, None)
        aucs.append(roc_auc_score(unseen.churned, risks(fitted, unseen)))
    assert max(aucs) - min(aucs) < 0.004


def test_risks_follow_a_churn_rate_that_rises() -> None:
    """From .2 to .5 over the dates: the next date is nearer to the newest than to their mean."""
    inputs = examples(6_000, lambda recent: recent[:, 0])
    rates = torch.tensor([0.2, 0.3, 0.5])
    noise = torch.rand(6_000, generator=torch.Generator().manual_seed(1))
    rising = replace(inputs, churned=(noise < rates[inputs.date]).float())
    fitted = heads()
    _fit(fitted, rising, 0, None)
    assert float(risks(fitted, rising).mean()) == pytest.approx(0.5, abs=0.03)
    z = torch.zeros(6_000)
    assert sigmoid(calibration(z, rising.churned, rising.date)[1]) == pytest.approx(0.5, abs=0.03)


def test_a_newest_date_of_few_users_moves_little() -> None:
    """Two users who left are no rise: all of such a date would say that everybody leaves."""
    churned = (torch.arange(1_000) % 5 == 0).float()
    date = torch.zeros(1_000).long()
    date[:2], churned[:2] = 1, 1.0
    assert sigmoid(calibration(torch.zeros(1_000), churned, date)[1]) == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_kind_give_their_share_to_everybody(label: float) -> None:
    """There is nothing to rank by, and no certainty either."""
    inputs = examples(90, linear)
    fitted = heads()
    _fit(fitted, replace(inputs, churned=torch.full((90,), label)), 0, None)
    found = risks(fitted, inputs)
    assert np.ptp(found.numpy()) == 0
    assert float(found[0]) == pytest.approx((90 * label + 0.5) / 91)
