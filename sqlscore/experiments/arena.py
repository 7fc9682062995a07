"""Several models on the same test examples: what each says there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlscore.artifact import Artifact
from sqlscore.errors import TrainingError
from sqlscore.events import US_PER_SECOND, Inputs
from sqlscore.sequences import Ints
from sqlscore.training import baselines
from sqlscore.training.baselines import Guess
from sqlscore.training.churn_labels import Examples, examples_at
from sqlscore.training.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.evaluation import Predicted, predict, transitions_at
from sqlscore.training.gbm import Boosted, predict_gbm
from sqlscore.training.options import Progress, TrainingOptions
from sqlscore.training.periods import Periods
from sqlscore.training.reading import EventLog
from sqlscore.training.windows import Windows, windows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arena:
    """A log, its split and the test examples: P targets and Q churn examples that all contenders are judged at."""

    log: EventLog
    periods: Periods
    data: Encoded  # in the codes of `inputs`
    inputs: Inputs
    test: Windows
    at: Ints  # (P,) rising
    following: Ints  # (P,) codes; 0: never seen in training
    users: Ints  # (P,)
    churn: Examples | None  # Q
    churn_users: Ints  # (Q,)
    until: int  # µs: the newest target that is learned from

    @property
    def n_users(self) -> int:
        """Users that the targets belong to."""
        return len(np.unique(self.users))

    @property
    def horizon_seconds(self) -> float | None:
        """Of the churn label; None without."""
        return None if self.periods.churn is None else self.periods.churn.horizon / US_PER_SECOND


@dataclass(frozen=True)
class Judged:
    """One model at the test examples, in the arena's order; None: it says nothing of that."""

    best: Ints | None = None  # (P,) codes; -1: an action that the arena's training part lacks
    in_top3: npt.NDArray[np.bool_] | None = None
    probability: Floats | None = None  # (P,) of what happened
    confidence: Floats | None = None
    churn: Floats | None = None  # (Q,)
    churn_is_probability: bool = True


@dataclass(frozen=True)
class Entry:
    """A contender: one model, or one for each seed, whose figures are averaged."""

    name: str
    judged: tuple[Judged, ...]


def arena_of(log: EventLog, periods: Periods, after: int, options: TrainingOptions) -> Arena:
    """The test examples later than `after` (µs) or the split's test boundary, whichever is later.

    Raises TrainingError where nothing is left to be judged at.
    """
    until = periods.t2 if options.refit else periods.t1
    inputs = vocabulary(log, until, options.max_actions, options.max_categories)
    data = encode_log(log, inputs)
    after = max(after, periods.t2)
    dates = tuple(date for date in periods.churn.test if date >= after) if periods.churn else ()
    examples = examples_at(log, dates, periods.churn) if periods.churn and dates else None
    test = windows(log, data, after, None, None, examples, None)
    at = np.flatnonzero(test.wanted)
    if len(at) == 0:
        raise TrainingError(
            f"no event is followed by another after {np.datetime64(after, 'us')}Z, where the models' training and "
            "validation end: compare models that were trained before the newest events, or train anew"
        )
    none = np.zeros(0, np.int64)
    return Arena(
        log,
        periods,
        data,
        inputs,
        test,
        at,
        transitions_at(data, at).following,
        log.rows[at],
        examples,
        none if examples is None else log.rows[examples.position],
        until,
    )


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
    guesses: dict[str, Guess] = {
        "majority": baselines.majority(train, test, known),
        "repeat_last": baselines.repeat_last(train, test, known),
        "markov1": baselines.markov(train, test, known, 1),
        "markov2": baselines.markov(train, test, known, 2),
    }
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
