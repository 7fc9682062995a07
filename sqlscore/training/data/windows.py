"""Which stretch of each user's history a pass reads, and what is learned or judged at its events."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.training.data.churn_labels import Examples, dates_of, examples_of
from sqlscore.training.data.churn_users import Group, groups
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.split import Churn, Periods

SPARED = 0.1  # of users: until the last stage, they show how well the model does on people it never saw
_NEWEST = 0.2  # of users, who they are drawn from: the next stranger is more like the last ones than like the first


@dataclass(frozen=True)
class Windows:
    """W stretches `[starts, ends)` of the log, the events with a target, and the churn examples among them."""

    starts: Ints  # (W,)
    ends: Ints  # (W,)
    wanted: npt.NDArray[np.bool_]  # (T,) the next event of these is a target
    churn: Examples | None

    @property
    def lengths(self) -> Ints:
        """(W,) events of every window."""
        return self.ends - self.starts

    @property
    def events(self) -> int:
        """Events that a pass reads."""
        return int(self.lengths.sum())

    @property
    def targets(self) -> int:
        """Events whose next one is learned or judged."""
        return int(self.wanted.sum())

    def examples_in(self, chosen: Ints, offsets: Ints) -> tuple[Ints, Ints]:
        """(Q,) which churn examples these windows hold, and (Q,) their events in a batch of them with these offsets."""
        if self.churn is None or not len(self.churn):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        low = np.searchsorted(self.churn.position, self.starts[chosen], "left")
        counts = np.searchsorted(self.churn.position, self.ends[chosen], "left") - low
        which = np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return which, self.churn.position[which] + np.repeat(offsets[:-1] - self.starts[chosen], counts)

    def with_examples(self, most: int, seed: int) -> Windows:
        """The windows that hold churn examples; if there are more than `most`, those of a sample."""
        churn = self.churn
        if churn is None:
            return Windows(self.starts[:0], self.ends[:0], self.wanted, None)
        if len(churn) > most:
            kept = np.zeros(len(churn), np.bool_)
            kept[np.random.default_rng(seed).permutation(len(churn))[:most]] = True
            churn = churn.among(kept)
        counts = np.searchsorted(churn.position, self.ends) - np.searchsorted(churn.position, self.starts)
        return Windows(self.starts[counts > 0], self.ends[counts > 0], self.wanted, churn)


def windows(
    log: EventLog,
    data: Encoded,
    after: int | None,
    until: int | None,
    users: npt.NDArray[np.bool_] | None,
    churn: Examples | None,
    longest: int | None,
) -> Windows:
    """Events up to `until` (None: all) of the users, with targets in (after, until] and the churn examples.

    users: (N,) None takes all. longest: of longer histories the newest events are read. Users without anything to
    learn or judge are left out.
    """
    wanted = data.target > 0
    inside = np.ones(len(log.times), np.bool_)
    if until is not None:
        inside = log.times <= until
        wanted &= data.target_time <= until
    if after is not None:
        wanted &= data.target_time > after
    rows = log.rows
    if users is not None:
        wanted &= users[rows]
        churn = churn.among(users[rows[churn.position]]) if churn is not None else None
    running = np.append(0, np.cumsum(inside))
    starts = log.offsets[:-1]
    ends = starts + running[log.offsets[1:]] - running[starts]
    if longest is not None:
        starts = np.maximum(starts, ends - longest)
    needed = np.bincount(rows[wanted], minlength=log.users) > 0
    if churn is not None:
        needed[rows[churn.position]] = True
        churn = churn.among(churn.position >= starts[rows[churn.position]])
    wanted &= np.arange(len(log.times)) >= starts[rows]
    starts, ends = starts[needed], ends[needed]
    return Windows(starts, ends, wanted, churn)


def held_out(log: EventLog, seed: int, share: float = 0.15) -> npt.NDArray[np.bool_]:
    """(N,) the users that validate if there is no room for a validation period."""
    return np.asarray(np.random.default_rng(seed).random(log.users) < share)


def spared(log: EventLog, until: int, seed: int) -> npt.NDArray[np.bool_]:
    """(N,) about a tenth of the users who came until then, drawn from those who came last."""
    came = log.times[log.offsets[:-1]]
    there = came <= until
    newest = there & (came >= np.quantile(came[there], 1 - _NEWEST)) if there.any() else there
    return newest & held_out(log, seed, SPARED / _NEWEST)


def training_windows(
    log: EventLog, data: Encoded, periods: Periods, seed: int, longest: int
) -> tuple[Windows, Windows]:
    """(what is trained on, what validates): nothing in either is later than t2, nothing in the first than t1.

    They hold no churn examples: an encoder that learned these would flatter what chooses the churn head.
    """
    if periods.by_users:
        validating = held_out(log, seed)
        return (
            windows(log, data, None, periods.t1, ~validating, None, longest),
            windows(log, data, None, periods.t1, validating, None, longest),
        )
    return (
        windows(log, data, None, periods.t1, None, None, longest),
        windows(log, data, periods.t1, periods.t2, None, None, longest),
    )


def churn_windows(
    log: EventLog,
    data: Encoded,
    churn: Churn,
    longest: int | None,
    *groups: Group,
    users: npt.NDArray[np.bool_] | None = None,
) -> Windows:
    """What the churn head reads at the examples of these groups, up to their newest date, and no target.

    users: (N,) None takes all.
    """
    examples = examples_of(log, churn, *groups)
    newest = dates_of(churn, *groups)[-1]
    return windows(log, data, newest, newest, users, examples, longest)


@dataclass(frozen=True)
class ChurnParts:
    """The churn examples, in windows that hold their states.

    Args:
        train: that the head is fitted on.
        validation: that say how good it is.
        both: that the last stage fits it on.
        held_out: that show how good it is on users that no weight has learned from.
        same_users: that show how good it is on later dates of users that it knows.
    """

    train: Windows
    validation: Windows
    both: Windows
    held_out: Windows | None = None
    same_users: Windows | None = None


@dataclass(frozen=True)
class Parts:
    """What a training reads, stage by stage. Nothing in any of them but `churn` is later than t2.

    held_out: users that the first stage does not learn from, up to t1; same_users: the validation period of those that
    it does. None if there is no such part.
    """

    train: Windows
    validation: Windows
    held_out: Windows | None
    same_users: Windows | None
    both: Windows  # train, validation and held out: what the last stage learns from
    churn: ChurnParts | None = None


def parts_of(log: EventLog, data: Encoded, periods: Periods, seed: int, longest: int, spare_users: bool) -> Parts:
    """As `training_windows`, and more to report on. spare_users: keep some out of `train`, until the last stage."""
    train, validation = training_windows(log, data, periods, seed, longest)
    both = windows(log, data, None, periods.t2, None, None, longest)
    if periods.by_users:
        apart, seen = held_out(log, seed), None
        parts = Parts(train, validation, validation, None, both)
    else:
        apart = spared(log, periods.t1, seed) if spare_users else np.zeros(log.users, np.bool_)
        seen = np.zeros(log.users, np.bool_)
        seen[log.rows[log.times <= periods.t1]] = True
        same = windows(log, data, periods.t1, periods.t2, seen & ~apart, None, longest)
        parts = Parts(train, validation, None, same, both)
        if apart.any():
            train = windows(log, data, None, periods.t1, ~apart, None, longest)
            parts = replace(parts, train=train, held_out=windows(log, data, None, periods.t1, apart, None, longest))
    churn = periods.churn
    if churn is None:
        return parts
    if churn.by_users:
        return _with_churn_of_users(log, data, churn, parts, longest)
    later = apart if periods.by_users else None
    return replace(
        parts,
        churn=ChurnParts(
            churn_windows(log, data, churn, longest, Group.TRAIN, users=~apart),
            churn_windows(log, data, churn, longest, Group.VALIDATION, users=later),
            churn_windows(log, data, churn, longest, Group.TRAIN, Group.VALIDATION),
            churn_windows(log, data, churn, longest, Group.TRAIN, users=apart) if apart.any() else None,
            None if seen is None else churn_windows(log, data, churn, longest, Group.VALIDATION, users=seen & ~apart),
        ),
    )


def _with_churn_of_users(log: EventLog, data: Encoded, churn: Churn, parts: Parts, longest: int) -> Parts:
    """The parts, with users who validate or test the churn head.

    What such a user did after the first churn date answers what is asked of the head, so no weight learns from it.
    """
    judged = groups(log) != Group.TRAIN
    answers = judged[log.rows] & (data.target_time > min(churn.train))
    for part in (parts.train, parts.validation, parts.both):
        part.wanted[answers] = False
    validation = churn_windows(log, data, churn, longest, Group.VALIDATION)
    return replace(
        parts,
        churn=ChurnParts(
            churn_windows(log, data, churn, longest, Group.TRAIN),
            validation,
            churn_windows(log, data, churn, longest, Group.TRAIN, Group.VALIDATION),
            held_out=validation,
        ),
    )
