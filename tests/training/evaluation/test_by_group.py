"""Figures by group: those of its own examples, and nothing said that chance explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from sqlscore.events.sequences import offsets_of
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.event_log import Column, EventLog
from sqlscore.training.evaluation.by_group import Judged, figures_of_groups, name_of, verdict_on_groups

SITES = ["north", "south"]


def judged_of(
    group: np.ndarray[Any, Any], churned: np.ndarray[Any, Any], risk: np.ndarray[Any, Any], seed: int = 0
) -> tuple[EventLog, Judged]:
    """A log of one user for each example, with two events of the user's group, and the first of two actions as next."""
    random = np.random.default_rng(seed)
    size = len(group)
    codes = np.repeat(group, 2).astype(np.int32)
    times = np.tile([0, 10], size).astype(np.int64)
    log = EventLog(
        Column(np.ones(2 * size, np.int32), ["a"]), times, offsets_of(np.full(size, 2)), {}, {},
        group=Column(codes, [*SITES, *(f"site {i}" for i in range(3, 1 + max(codes.max(), 2)))]),
    )  # fmt: skip
    at = np.arange(0, 2 * size, 2)
    probability = random.uniform(0.4, 0.6, size)
    examples = Examples(at + 1, np.zeros(size), churned, np.full(size, 2))
    one = np.ones(size, np.int64)
    return log, Judged(at, one, one, np.ones(size, np.bool_), probability, np.full(size, 1.0), examples, risk)


def test_each_group_has_the_figures_of_its_own_examples() -> None:
    random = np.random.default_rng(0)
    group, risk = random.integers(0, 3, 600), random.random(600)
    churned = random.random(600) < risk
    log, judged = judged_of(group, churned, risk)
    found = figures_of_groups(log, judged)
    assert sorted(name_of(row) for row in found) == ["(none)", "north", "south"]
    for row in found:
        of_group = group == (0 if row["group"] is None else 1 + SITES.index(row["group"]))
        assert row["n_users"] == of_group.sum() == row["churn"]["n"] == row["next_action"]["n"]
        assert row["churn"]["base_rate"] == pytest.approx(churned[of_group].mean())
        assert row["churn"]["mean_risk"] == pytest.approx(risk[of_group].mean())
        assert row["churn"]["auc"] == pytest.approx(roc_auc_score(churned[of_group], risk[of_group]))
        assert row["churn"]["log_loss"] == pytest.approx(log_loss(churned[of_group], risk[of_group]))
        assert row["next_action"]["log_loss"] == pytest.approx(-np.log(judged.probability[of_group]).mean())
    assert verdict_on_groups(found) == []


def test_groups_of_few_users_are_pooled() -> None:
    random = np.random.default_rng(1)
    group = np.concatenate([np.full(300, 1), np.repeat([2, 3, 4], 19), np.zeros(5, np.int64)])
    risk = random.random(len(group))
    log, judged = judged_of(group, random.random(len(group)) < risk, risk)
    found = figures_of_groups(log, judged)
    assert [(row["group"], row["pooled"], row["n_users"]) for row in found] == [("north", 0, 300), (None, 4, 62)]
    assert name_of(found[1]) == "4 other groups"


def test_a_log_without_groups_has_no_figures_by_group() -> None:
    log, judged = judged_of(np.ones(3, np.int64), np.ones(3, np.bool_), np.ones(3))
    bare = EventLog(log.actions, log.times, log.offsets, {}, {})
    assert figures_of_groups(bare, judged) == []


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_names_the_group_that_is_stated_wrong_or_ranked_badly(seed: int) -> None:
    random = np.random.default_rng(seed)
    group, risk = random.integers(1, 4, 1_500), random.uniform(0.05, 0.95, 1_500)
    churned = random.random(1_500) < risk
    stated = np.where(group == 2, risk * 0.5, risk)  # the south is stated too low
    noise = np.where(group == 3, random.uniform(0.05, 0.95, 1_500), stated)  # in site 3 nothing is known
    log, judged = judged_of(group, churned, noise, seed)
    said = " ".join(verdict_on_groups(figures_of_groups(log, judged)))
    assert said.startswith("Churn, by group: ")
    assert "south is stated too low" in said
    assert "site 3 is harder, ROC AUC 0." in said
    assert "north" not in said
