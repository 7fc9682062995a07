"""How good a model is on the latest part of the events, beside simple baselines."""

from __future__ import annotations

from functools import partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.training.data.churn_labels import censored_at_end, examples_of
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.encoding import Encoded, encode_log
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Windows, windows
from sqlscore.training.evaluation import baselines, metrics, time_baselines
from sqlscore.training.evaluation.baselines import Guess, Transitions
from sqlscore.training.evaluation.by_group import Judged, figures_of_groups, verdict_on_groups
from sqlscore.training.evaluation.by_horizon import by_horizon
from sqlscore.training.evaluation.metrics import QUANTILES
from sqlscore.training.evaluation.predicted import Predicted, predict
from sqlscore.training.evaluation.verdict import verdict, verdict_on_weighting


def evaluate(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact, progress: Progress | None = None
) -> dict[str, Any]:
    """Judge a model on the events after the boundary that its training noted.

    Args:
        con: An open database.
        mapping: The mapped events.
        artifact: The model.
        progress: Receives the stages of the work.

    Returns the keys "model", "next_action", "time_to_next", "churn" (None without that head), "seen_users" and
    "unseen_users" (the first two for users with and without events among those that were learned from), "reliability"
    (by head, see `metrics.reliability`), "validation"
    (what training noted of users that it held out, and of a later period, before it learned from these too), "groups"
    if the events have groups (see `figures_of_groups`), and "verdict" in words.

    Raises TrainingError if the artifact does not say what it was tested on.
    """
    log, periods = noted_log(con, mapping, artifact, progress or Silent())
    return evaluate_log(log, periods, artifact, progress or Silent())


def noted_log(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact, progress: Progress
) -> tuple[EventLog, Periods]:
    """The events that a model's training read, as they are now, and the periods that it noted.

    Raises TrainingError if the artifact does not say what it was trained on.
    """
    periods, notes = noted_periods(artifact), TrainingNotes.from_json(artifact.manifest.notes)
    if notes.sample is None or notes.limits is None:
        raise _unsaid(artifact)
    limits, share = notes.limits, int(notes.sample.share_of_users)
    weight_from = notes.options.get("weight_from")
    log = read_log(con, mapping, limits.max_events, limits.max_user_events, progress, share, weight_from)
    return log, periods


def noted_periods(artifact: Artifact) -> Periods:
    """How a model's training cut the events in time. Raises TrainingError if the artifact does not say that."""
    periods = TrainingNotes.from_json(artifact.manifest.notes).periods
    if periods is None:
        raise _unsaid(artifact)
    return Periods.from_notes(periods)


def _unsaid(artifact: Artifact) -> TrainingError:
    return TrainingError(f"model {artifact.name} does not say which events it was trained on: train it again")


def tested_part(log: EventLog, data: Encoded, periods: Periods, artifact: Artifact) -> Windows:
    """The targets after t2, and the churn examples that test if the model has that head."""
    churn = periods.churn if "churn" in artifact.manifest.heads else None
    return windows(log, data, periods.t2, None, None, examples_of(log, churn, Group.TEST) if churn else None, None)


def evaluate_log(log: EventLog, periods: Periods, artifact: Artifact, progress: Progress) -> dict[str, Any]:
    """Judge a model on an event log that was read before; returns the keys that `evaluate` returns."""
    data = encode_log(log, artifact.manifest.inputs)
    churn = periods.churn if "churn" in artifact.manifest.heads else None
    test = tested_part(log, data, periods, artifact)
    examples = test.churn
    predicted = predict(artifact, data, test, progress)
    notes = TrainingNotes.from_json(artifact.manifest.notes)
    until = periods.t1 if notes.training is None or notes.training.until is None else notes.training.until
    trained = np.flatnonzero((data.target > 0) & (data.target_time <= until))
    train = transitions_at(data, trained)
    seen = np.zeros(log.users, np.bool_)
    seen[log.rows[log.times <= until]] = True
    was_seen = seen[log.rows[predicted.at]]
    following = transitions_at(data, predicted.at)
    guesses = baselines.all_of(train, following, data.known)
    times = time_baselines.all_of(
        data.log_gap[trained], kinds_of(data, trained), kinds_of(data, predicted.at), np.array(list(QUANTILES.values()))
    )
    judged = partial(_sequence_heads, data, predicted, following.following, guesses, times)
    result: dict[str, Any] = {"model": artifact.name} | judged(np.ones(len(was_seen), np.bool_))
    result["reliability"] = {
        "next_action": metrics.reliability(predicted.confidence, predicted.best == following.following)
    }
    result["churn"] = None
    if churn and examples is not None:
        result["reliability"]["churn"] = metrics.reliability(predicted.churn, examples.churned)
        found = metrics.churn_metrics(examples.churned, predicted.churn, examples.elapsed, examples.seen)
        result["churn"] = found | {
            "censored": censored_at_end(log, churn, periods.high_water),
            "tested_on": churn.tested_on,
        }
        if artifact.manifest.horizons:
            result["churn"]["horizons"] = by_horizon(artifact.manifest, log, examples, predicted.churn)
    result["seen_users"] = judged(was_seen)
    result["unseen_users"] = judged(~was_seen)
    result["validation"] = notes.validation
    of_groups = figures_of_groups(
        log,
        Judged(
            predicted.at,
            following.following,
            predicted.best,
            predicted.in_top3,
            predicted.probability,
            predicted.confidence,
            examples,
            predicted.churn,
        ),
    )
    weighting = verdict_on_weighting(notes.weighted_labels) if churn else []
    result["verdict"] = [*verdict(result), *weighting, *verdict_on_groups(of_groups)]
    return result | ({"groups": of_groups} if of_groups else {})


def _sequence_heads(
    data: Encoded,
    predicted: Predicted,
    following: Ints,
    guesses: dict[str, Guess],
    times: dict[str, Floats],
    chosen: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """The next-action and time figures over the chosen targets, beside the baselines' guesses and times."""
    actual = following[chosen]
    found = metrics.next_action_metrics(
        actual,
        predicted.best[chosen],
        predicted.in_top3[chosen],
        predicted.probability[chosen],
        predicted.confidence[chosen],
    )
    found["baselines"] = {
        name: metrics.baseline_metrics(actual, Guess(guess.best[chosen], guess.probability[chosen]))
        for name, guess in guesses.items()
    }
    found["unknown_actions"] = int((actual == 0).sum())
    gaps = data.log_gap[predicted.at[chosen]].astype(np.float64)
    peers = {name: quantiles[chosen] for name, quantiles in times.items()}
    return {"next_action": found, "time_to_next": metrics.time_metrics(gaps, predicted.log_seconds[chosen], peers)}


def kinds_of(data: Encoded, at: Ints) -> tuple[Ints, Ints]:
    """(P,) indices of events -> (P,) the codes of their actions, and (P,) their hours of the day in UTC."""
    actions = np.minimum(data.categories[at, 0], data.known + 1).astype(np.int64)
    return actions, data.times[at] // (3600 * US_PER_SECOND) % 24


def transitions_at(data: Encoded, at: Ints) -> Transitions:
    """The targets after the events at these indices."""
    actions = np.minimum(data.categories[:, 0], data.known + 1).astype(np.int64)
    first = np.repeat(data.offsets[:-1], np.diff(data.offsets))[at]
    places = at[:, None] - np.arange(max(baselines.ORDERS))  # (P, n): so many events before
    recent = np.where(places >= first[:, None], actions[np.maximum(places, 0)], 0)
    following = np.where(data.target[at] > data.known, 0, data.target[at]).astype(np.int64)
    return Transitions(recent, following, data.target_time[at])
