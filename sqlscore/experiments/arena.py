"""Several models on the same test examples: what each says there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.events.inputs import Inputs
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.training.data.churn_labels import Examples, examples_of
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.encoding import Encoded, encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.split import Periods
from sqlscore.training.data.windows import Windows, windows
from sqlscore.training.evaluation.evaluate import transitions_at
from sqlscore.training.options import TrainingOptions


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
        """How far ahead the churn label looks; None without one."""
        return None if self.periods.churn is None else self.periods.churn.horizon / US_PER_SECOND


@dataclass(frozen=True)
class Judged:
    """One model at the test examples, in the arena's order; None: it says nothing about that."""

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

    Raises TrainingError if nothing is left to be judged at.
    """
    until = periods.t2 if options.refit else periods.t1
    inputs = vocabulary(log, until, options.max_actions, options.max_categories)
    data = encode_log(log, inputs)
    after = max(after, periods.t2)
    examples = _churn_examples(log, periods, after)
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


def _churn_examples(log: EventLog, periods: Periods, after: int) -> Examples | None:
    """The churn examples that no contender has learned from: later dates, or users whom none of them knows."""
    churn = periods.churn
    if churn is None or (churn.by_users and after > periods.t2):
        return None
    if not churn.by_users:
        churn = replace(churn, test=tuple(date for date in churn.test if date >= after))
    return examples_of(log, churn, Group.TEST) if churn.test else None
