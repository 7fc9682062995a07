"""How good a model is on the latest part of the events, beside simple baselines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import torch

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import US_PER_SECOND, Mapping
from sqlscore.progress import Progress, Silent
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.inference import inference
from sqlscore.scoring.notes import TrainingNotes
from sqlscore.scoring.ranking import decided
from sqlscore.scoring.torch_heads import action_probabilities, seconds_at, seconds_to_next_event
from sqlscore.training.data.churn_labels import censored_at_end, examples_of
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.encoding import Encoded, encode_log, ordered_batches
from sqlscore.training.data.event_log import EventLog, read_log
from sqlscore.training.data.split import Periods
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows, windows
from sqlscore.training.evaluation import baselines, metrics, time_baselines
from sqlscore.training.evaluation.baselines import Guess, Transitions
from sqlscore.training.evaluation.by_group import Judged, figures_of_groups, verdict_on_groups
from sqlscore.training.evaluation.metrics import QUANTILES
from sqlscore.training.evaluation.verdict import verdict

_EVENTS_PER_BATCH = 16_384
_CELLS = 8_000_000  # probabilities that are held at once


@dataclass(frozen=True)
class Predicted:
    """What a model says at the P targets and Q churn examples of a part, in any one order."""

    at: Ints  # (P,) index in the log of the event before the target
    best: Ints  # (P,) codes from 1
    in_top3: npt.NDArray[np.bool_]
    probability: Floats  # of what happened
    confidence: Floats  # of `best`
    log_seconds: Floats  # (P, 3) quantiles of log(1 + seconds), see `metrics.QUANTILES`; NaN where it knows none
    churn: Floats  # (Q,) in the order of the windows' examples
    frequent: npt.NDArray[np.float32]  # (P, K) probabilities of the first K actions, if they were asked for


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
    return read_log(con, mapping, limits.max_events, limits.max_user_events, progress, share), periods


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
    result["verdict"] = [*verdict(result), *verdict_on_groups(of_groups)]
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


def predict(artifact: Artifact, data: Encoded, test: Windows, progress: Progress, keep: int = 0) -> Predicted:
    """What a model says at every target and churn example of a part. keep: K, see `Predicted.frequent`."""
    none, whole = np.zeros(0), np.zeros(0, np.int64)
    kept = np.zeros((0, min(keep, len(artifact.manifest.inputs.actions))), np.float32)
    times = np.zeros((0, len(QUANTILES)))
    parts: list[tuple[Any, ...]] = [(whole, whole, np.zeros(0, np.bool_), none, none, times, kept)]
    churn = np.zeros(0 if test.churn is None else len(test.churn))
    progress.start("Evaluating", test.events)
    for chosen in ordered_batches(test.lengths, _EVENTS_PER_BATCH):
        batch, targets = cut(data, test, chosen)
        with inference():
            states, _ = artifact.module.encode_each(batch, None, None)
        parts.append((targets.at, *_judged(artifact, states[targets.position], targets.action.numpy(), keep)))
        if len(targets.churn_position):
            with inference():
                risk = artifact.module.churn(states[targets.churn_position], targets.elapsed)
            churn[targets.example] = risk.double().numpy()
        progress.advance(len(batch.times))
    progress.finish()
    at, best, in_top3, probability, confidence, log_seconds, frequent = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return Predicted(at, best, in_top3, probability, confidence, log_seconds, churn, frequent)


def _judged(
    artifact: Artifact, states: torch.Tensor, action: Ints, keep: int
) -> tuple[Ints, npt.NDArray[np.bool_], Floats, Floats, Floats, npt.NDArray[np.float32]]:
    """(P, S) states and 0-based actions -> the fields of `Predicted` but `at` and `churn`."""
    known = len(artifact.manifest.inputs.actions)
    found = []
    for start in range(0, max(len(action), 1), max(1, _CELLS // known)):
        rows = slice(start, start + max(1, _CELLS // known))
        probabilities = action_probabilities(artifact, states[rows]).numpy()  # (R, V)
        shown = probabilities[:, :keep].copy()  # a view would hold all of them
        found.append((*ranked(probabilities, action[rows], decided(artifact, probabilities)), shown))
    best, in_top3, probability, confidence, frequent = (np.concatenate(part) for part in zip(*found, strict=True))
    return best, in_top3, probability, confidence, _log_seconds(artifact, states), frequent


def _log_seconds(artifact: Artifact, states: torch.Tensor) -> Floats:
    """(P, S) -> (P, 3), see `Predicted`."""
    size = (len(states), len(QUANTILES))
    if artifact.knows_distribution:
        found = seconds_at(artifact, states, torch.tensor(list(QUANTILES.values())).expand(size)).numpy()
    else:
        found = np.full(size, np.nan)
        found[:, 1] = seconds_to_next_event(artifact, states).numpy()
    return np.asarray(np.log1p(found))


def ranked(
    probabilities: npt.NDArray[np.float32], wanted: Ints, best: Ints
) -> tuple[Ints, npt.NDArray[np.bool_], Floats, Floats]:
    """(R, V), 0-based actions (V: unknown), 0-based predicted ones -> the second to fifth field of `Predicted`."""
    row = np.arange(len(wanted))
    with_unknown = np.append(probabilities, np.zeros((len(wanted), 1), np.float32), 1)  # (R, V + 1)
    probability = with_unknown[row, wanted]
    earlier = np.arange(probabilities.shape[1]) < wanted[:, None]  # of equal ones the first comes first, as in scoring
    before = (probabilities > probability[:, None]) | ((probabilities == probability[:, None]) & earlier)
    in_top3 = (before.sum(1) < 3) & (wanted < probabilities.shape[1])
    return best + 1, in_top3, probability.astype(np.float64), probabilities[row, best].astype(np.float64)
