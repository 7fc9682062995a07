"""Which labels are learned, and which judge: later moments, and other users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.finetuning.labels import Labels

_LATER = 0.2  # of the labels, the newest: to be judged as a forecast
_STRANGERS = 5  # one of so many users is held out
LEAST_PART = 20
"""Labels that a part needs to be judged."""


@dataclass(frozen=True)
class Parts:
    """Rows of the labels: what is learned, what is judged later in time, and what is judged on other users."""

    learned: Ints
    later: Ints
    other_users: Ints
    n_between: int  # neither: their outcome was not known before the later part begins

    def within(self, chosen: npt.NDArray[np.bool_]) -> Parts:
        """The same parts of some of the labels, (N,)."""
        learned, later, other_users = (part[chosen[part]] for part in (self.learned, self.later, self.other_users))
        return Parts(learned, later, other_users, self.n_between)


def parts_of(labels: Labels, seed: int) -> Parts:
    """Cut the labels by time, then the earlier ones by users.

    The newest fifth of the labels is the later part, as far as moments differ. Of the others, those of every fifth user
    are judged, and those whose outcome was known only after the later part began are left out of learning.
    """
    stranger = np.random.default_rng([seed, 7]).permutation(int(labels.user.max()) + 1)[labels.user] % _STRANGERS == 0
    ordered = np.sort(labels.as_of)
    cut = ordered[int(len(ordered) * (1 - _LATER))]
    later = labels.as_of >= cut
    if later.mean() > 2 * _LATER:  # many labels at that one moment
        later = labels.as_of > cut
    if later.sum() < LEAST_PART:
        later = np.zeros(len(labels), np.bool_)
    overlapping = np.zeros(len(labels), np.bool_)
    if later.any() and labels.known_at is not None:
        overlapping = ~later & (labels.known_at > labels.as_of[later].min())
    if (stranger & ~later).sum() < LEAST_PART:
        stranger[:] = False
    learned = ~later & ~stranger & ~overlapping
    if learned.sum() < LEAST_PART:  # moments that overlap too much to part them
        later, overlapping = np.zeros(len(labels), np.bool_), np.zeros(len(labels), np.bool_)
        learned = ~stranger
    return Parts(
        np.flatnonzero(learned), np.flatnonzero(later), np.flatnonzero(stranger & ~later), int(overlapping.sum())
    )
