"""Judges models and baselines over the examples that all contenders share."""

from __future__ import annotations

import numpy as np

from sqlscore.events.inputs import Inputs
from sqlscore.experiments.arena import Arena, Entry, Judged
from sqlscore.experiments.gbm import Boosted, predict_gbm
from sqlscore.progress import Progress
from sqlscore.scoring.artifact import Artifact
from sqlscore.training.data.encoding import encode_log
from sqlscore.training.data.windows import Windows
from sqlscore.training.evaluation import baselines
from sqlscore.training.evaluation.evaluate import Predicted, predict, transitions_at


def judge_model(arena: Arena, artifact: Artifact, progress: Progress, churn: bool = True) -> Judged:
    """What a model says at the test examples, whatever vocabulary it has. churn: its horizon is the arena's."""
    inputs = artifact.manifest.inputs
    data = arena.data if inputs == arena.inputs else encode_log(arena.log, inputs)
    with_churn = churn and "churn" in artifact.manifest.heads and arena.churn is not None
    test = arena.test if with_churn else Windows(arena.test.starts, arena.test.ends, arena.test.wanted, None)
    return _in_order(predict(artifact, data, test, progress), inputs, arena, with_churn)


def judge_gbm(arena: Arena, model: Boosted) -> Judged:
    """The same of boosted trees."""
    return _in_order(
        predict_gbm(model, arena.data, arena.test), arena.inputs, arena, model.churn is not None and bool(arena.churn)
    )


def judge_baselines(arena: Arena) -> list[Entry]:
    """What needs no model: by counting what the models learn from, by the time since the last event, by the events."""
    trained = np.flatnonzero((arena.data.target > 0) & (arena.data.target_time <= arena.until))
    train, test, known = transitions_at(arena.data, trained), transitions_at(arena.data, arena.at), arena.data.known
    guesses = baselines.all_of(train, test, known)
    found = [Entry(name, (Judged(guess.best, None, guess.probability),)) for name, guess in guesses.items()]
    if arena.churn is not None:
        ranks = {"recency": arena.churn.elapsed, "frequency": -arena.churn.seen.astype(np.float64)}
        found += [Entry(name, (Judged(churn=rank, churn_is_probability=False),)) for name, rank in ranks.items()]
    return found


def _in_order(found: Predicted, inputs: Inputs, arena: Arena, churn: bool) -> Judged:
    order = np.argsort(found.at, kind="stable")
    codes = {action: code for code, action in enumerate(arena.inputs.actions, start=1)}
    table = np.array([0, *(codes.get(action, -1) for action in inputs.actions)], np.int64)
    return Judged(
        table[found.best[order]],
        found.in_top3[order],
        found.probability[order],
        found.confidence[order],
        found.churn if churn else None,
    )
