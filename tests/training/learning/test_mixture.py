"""Counts beside the network, newer events that weigh more, and a last stage that learns what judged the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.events.sequences import offsets_of
from sqlscore.models.back_off import BackOff
from sqlscore.models.loading import load, load_judged
from sqlscore.progress import Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.manifest import judged_part, sha256_of
from sqlscore.scoring.notes import TrainingNotes, seen_until
from sqlscore.training.data.encoding import encode_log
from sqlscore.training.data.event_log import Column, EventLog
from sqlscore.training.data.windows import windows
from sqlscore.training.evaluation.evaluate import evaluate_log
from sqlscore.training.evaluation.predicted import predict
from sqlscore.training.fit import fit_log, split
from sqlscore.training.learning.counting import fill
from sqlscore.training.learning.following import context_at, fading
from sqlscore.training.learning.mixture import Judged, better, choose_counting
from sqlscore.training.options import TrainedModel, TrainingOptions

NAMES = list("abcde")
QUICK = TrainingOptions(churn=False, embedding=8, hidden=16, width=16, max_epochs=6)
MINUTE = 60_000_000


def process(users: int, change: int, seed: int) -> EventLog:
    """Users one after the other, each with eight steps; the rule of what follows what changes with user `change`."""
    random = np.random.default_rng(seed)
    steps = random.integers(0, 5, (users, 8))
    for user in range(users):
        for step in range(2, 8):
            if random.random() < 0.85:
                last, before = steps[user, step - 1], steps[user, step - 2]
                steps[user, step] = (last + 2 * before + (user >= change) * (1 + last)) % 5
    times = (np.arange(users)[:, None] * 10 + np.arange(8)[None, :]) * MINUTE
    return EventLog(
        Column((steps.ravel() + 1).astype(np.int32), NAMES), times.ravel(), offsets_of(np.full(users, 8)), {}, {}
    )


def cohort(users: int, first_day: int, seed: int) -> EventLog:
    """Users who come within 60 days, in the order of their coming, and buy four times; half of the gaps are long.

    What comes soon is mostly a "b", what comes late is an "a": so the newest targets of a log without newcomers are.
    """
    random = np.random.default_rng(seed)
    soon = random.random((users, 4)) < 0.5
    gaps = np.where(soon, random.uniform(0.1, 2, (users, 4)), random.uniform(20, 70, (users, 4)))
    gaps[:, 0] = first_day + np.sort(random.uniform(0, 60, users))
    steps = np.where(soon & (random.random((users, 4)) < 0.7), 1, 0)
    times = (gaps.cumsum(1) * 1_440 * MINUTE).astype(np.int64)
    return EventLog(
        Column((steps.ravel() + 1).astype(np.int32), NAMES[:2]), times.ravel(), offsets_of(np.full(users, 4)), {}, {}
    )


def trained(log: EventLog, options: TrainingOptions) -> TrainedModel:
    return fit_log(log, split(log, options), options, Silent())


def log_loss(model: TrainedModel, log: EventLog, network_weight: float | None = None) -> float:
    """Of all targets of a log; network_weight: of a copy with that weight of its network."""
    artifact: Artifact = load(model.artifact, sha256_of(model.artifact), "m@1")
    data = encode_log(log, model.manifest.inputs)
    part = windows(log, data, None, None, None, None, None)
    if network_weight is None:
        return float(-np.log(predict(artifact, data, part, Silent()).probability).mean())
    weight = artifact.module.counts.network_weight  # type: ignore[attr-defined]
    artifact.module.counts.network_weight = network_weight  # type: ignore[attr-defined]
    try:
        return float(-np.log(predict(artifact, data, part, Silent()).probability).mean())
    finally:
        artifact.module.counts.network_weight = weight  # type: ignore[attr-defined]


def test_the_default_beats_its_own_network_and_counting_alone_if_the_rules_change() -> None:
    """Rules that change in the last fifth of the users that train, on users who come later."""
    past, later = process(400, 320, seed=1), process(100, 0, seed=2)
    later = replace(later, times=later.times + int(past.times.max()) + MINUTE)
    model = trained(past, QUICK)
    counting = trained(past, replace(QUICK, architecture="markov"))
    noted = TrainingNotes.from_json(model.manifest.notes).training
    assert noted is not None
    assert noted.counting is not None
    assert noted.counting["fade"] > 0
    mixed = log_loss(model, later)
    assert mixed < log_loss(counting, later)
    assert mixed < log_loss(model, later, network_weight=1.0)


def test_what_changes_with_the_age_of_users_is_not_taken_for_drift() -> None:
    """The log of users who came first, judged on those who come next: late targets say nothing of them."""
    past, next_ones = cohort(800, 0, seed=1), cohort(200, 60, seed=2)
    model = trained(past, QUICK)
    counting = trained(past, replace(QUICK, architecture="markov"))
    noted = TrainingNotes.from_json(model.manifest.notes).training
    assert noted is not None
    assert noted.recency == 0
    assert log_loss(model, next_ones) < log_loss(counting, next_ones) + 0.002


@pytest.mark.parametrize(("users", "low", "high"), [(1, 0.4, 0.6), (200, 0.95, 1.0)])
def test_counts_stay_beside_a_network_that_few_targets_prefer(users: int, low: float, high: float) -> None:
    """The network is right each time, on the targets of one user or of many: one proves little."""
    log = process(400, 400, seed=5)
    options = replace(QUICK, architecture="markov")
    data = encode_log(log, trained(log, options).manifest.inputs)
    part = windows(log, data, None, None, np.arange(400) < 200, None, None)
    at = np.flatnonzero((data.target > 0) & (log.rows >= 200) & (log.rows < 200 + users))
    counting, losses = choose_counting(data, part, Judged(at, np.full(len(at), 0.9), len(at)))
    assert low < counting.weight <= high
    assert counting.log_loss == pytest.approx(losses.mean())


def test_repeats_of_all_actions_are_counted_together_where_that_says_more() -> None:
    """Of forty actions most are seldom seen, and each comes again as often as the others."""
    random = np.random.default_rng(3)
    steps = np.repeat(random.integers(0, 40, (300, 2)), 6, axis=1)
    names, times = [f"a{i}" for i in range(40)], np.arange(300 * 12) * MINUTE
    log = EventLog(Column((steps.ravel() + 1).astype(np.int32), names), times, offsets_of(np.full(300, 12)), {}, {})
    data = encode_log(log, trained(log, replace(QUICK, architecture="markov")).manifest.inputs)
    part = windows(log, data, None, None, np.arange(300) < 150, None, None)
    at = np.flatnonzero((data.target > 0) & (data.target <= data.known) & (log.rows >= 150))
    counting, losses = choose_counting(data, part, Judged(at, np.full(len(at), 0.5), len(at)))
    assert counting.again
    back_off = BackOff(data.known, counting.order)
    fill(back_off, data, part, counting)
    recent = [context_at(data, at, n + 1) // (data.known + 2) ** n for n in range(counting.order)]
    counted = back_off(torch.from_numpy(np.stack(recent, 1)).float())[range(len(at)), data.target[at] - 1].numpy()
    assert -np.log(0.5 * counting.weight + (1 - counting.weight) * counted) == pytest.approx(losses, abs=1e-5)


def test_what_judged_the_model_is_learned_after_that_and_not_before() -> None:
    """An action that begins in the test part is known in the end, and was not when the figures were taken."""
    log = process(200, 200, seed=3)
    newest = log.times > np.quantile(log.times, 0.9)
    codes = log.actions.codes.copy()
    codes[newest & (codes == 1)] = 6
    log = replace(log, actions=Column(codes, [*NAMES, "new"]))
    options = replace(QUICK, max_epochs=2)
    model = trained(log, options)
    label = sha256_of(model.artifact)
    judged = load_judged(model.artifact, label, "m@1")
    assert "new" in model.manifest.inputs.actions
    assert "new" not in judged.manifest.inputs.actions
    assert model.manifest.inputs.actions[:5] == judged.manifest.inputs.actions
    periods = split(log, options)[0]
    assert seen_until(judged.manifest) == periods.t2 < periods.high_water == seen_until(model.manifest)
    again = evaluate_log(log, periods, judged, Silent())
    for figure in ("accuracy", "log_loss", "ece"):
        assert again["next_action"][figure] == pytest.approx(model.manifest.metrics["next_action"][figure], abs=1e-6)
    assert again["next_action"]["unknown_actions"] > 0
    data = encode_log(log, model.manifest.inputs)
    part = windows(log, data, periods.t2, None, None, None, None)
    final = predict(load(model.artifact, label, "m@1"), data, part, Silent())
    assert final.best.tolist().count(6) > 0


def test_without_the_last_stage_the_artifact_is_the_judged_model() -> None:
    log = process(150, 150, seed=4)
    model = trained(log, replace(QUICK, max_epochs=2, through_now=False))
    assert judged_part(model.artifact) is None
    assert seen_until(model.manifest) == split(log, QUICK)[0].t2


@pytest.mark.parametrize("fade", [2.0, 8.0])
def test_weights_halve_by_rank_and_not_by_age(fade: float) -> None:
    """Half of the targets in the last second of a year weigh as if time were even."""
    times: Ints = np.append(np.arange(50) * 10**9, 10**12 + np.arange(50))
    weights = fading(times, fade)
    assert weights[-1] == 1.0
    assert weights[0] == pytest.approx(2.0**-fade)
    assert weights[50] / weights[-1] == pytest.approx(2.0 ** (-fade / 2), rel=0.05)


def test_a_gain_counts_by_users_and_not_by_events() -> None:
    """One user with many events proves nothing, many users with the same gain do."""
    random = np.random.default_rng(0)
    gains: Floats = 0.1 + random.normal(0, 1, 2_000)
    assert better(gains, np.arange(2_000))
    one_user: Floats = np.where(np.arange(2_000) < 1_000, 0.3, -0.1)
    assert not better(one_user, np.repeat([0, 1], 1_000))
