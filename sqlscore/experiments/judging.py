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
from sqlscore.training.evaluation.evaluate import transitions_at
from sqlscore.training.evaluation.predicted import Predicted, predict


def judge_model(arena: Arena, artifact: Artifact, progress: Progress, churn: bool = True) -> Judged:
    """What a model says at the test examples, whatever vocabulary it has.

    Args:
        arena: the test examples.
        artifact: the model.
        progress: told of every step.
        churn: whether its churn label is that of the arena.
    """
    inputs = artifact.manifest.inputs
    data = arena.data if inputs == arena.inputs else encode_log(arena.log, inputs)
    with_churn = churn and "churn" in artifact.manifest.heads and arena.churn is not None
    test = arena.test if with_churn else Windows(arena.test.starts, arena.test.ends, arena.test.wanted, None)
    return _in_order(predict(artifact, data, test, progress), inputs, arena, with_churn)


def judge_gbm(arena: Arena, model: Boosted) -> Judged:
    """What boosted trees say at the test examples."""
    return _in_order(
        predict_gbm(model, arena.data, arena.test), arena.inputs, arena, model.churn is not None and bool(arena.churn)
    )


def judge_baselines(arena: Arena) -> list[Entry]:
    """Baselines that need no model: counts of what the models learn from, recency, and number of events."""
    trained = np.flatnonzero((arena.data.target > 0) & (arena.data.target_time <= arena.until))
    train, test, known = transitions_at(arena.data, trained), transitions_at(arena.data, arena.at), arena.data.known
    guesses = baselines.all_of(train, test, known)
    entries = [Entry(name, (Judged(guess.best, None, guess.probability),)) for name, guess in guesses.items()]
    if arena.churn is not None:
        ranks = {"recency": arena.churn.elapsed, "frequency": -arena.churn.seen.astype(np.float64)}
        entries += [Entry(name, (Judged(churn=rank, churn_is_probability=False),)) for name, rank in ranks.items()]
    return entries


def _in_order(predicted: Predicted, inputs: Inputs, arena: Arena, churn: bool) -> Judged:
    """Put predictions in the order of the arena, in its codes of actions."""
    order = np.argsort(predicted.at, kind="stable")
    codes = {action: code for code, action in enumerate(arena.inputs.actions, start=1)}
    table = np.array([0, *(codes.get(action, -1) for action in inputs.actions)], np.int64)
    return Judged(
        table[predicted.best[order]],
        predicted.in_top3[order],
        predicted.probability[order],
        predicted.confidence[order],
        predicted.churn if churn else None,
    )
