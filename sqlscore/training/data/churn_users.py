"""Which users train, validate and test a churn head whose dates are the same for all."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from sqlscore.training.data.event_log import EventLog, hashes_of

_TESTING, _VALIDATING = 25, 15  # of a hundred users
_HASHED = np.uint32(100)


class Group(IntEnum):
    """What a user's churn labels are for."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


def groups(log: EventLog) -> npt.NDArray[np.int8]:
    """(N,) the `Group` of every user, by a hash of the id.

    It depends on nothing else: not on the seed, so that all models of a comparison are tested on the same users, nor on
    who else is there, so that a model that is judged later, when users came or went, never meets a user it learned.
    """
    ids = hashes_of(range(log.users)) if log.ids is None else log.ids
    place = ids % _HASHED
    found = np.full(log.users, Group.TRAIN, np.int8)
    found[place < _TESTING + _VALIDATING] = Group.VALIDATION
    found[place < _TESTING] = Group.TEST
    return found
