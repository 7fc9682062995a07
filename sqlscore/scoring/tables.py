"""Tables of what followed the last actions, as they stand among the weights of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Ints
from sqlscore.errors import ArtifactError
from sqlscore.scoring.weights import Weights

Singles = npt.NDArray[np.float32]

CELLS = 1_000_000
"""Probabilities that are computed once, for scoring; above it, they are summed from the counts at every look-up."""
_LONGEST = 62


def longest_order(actions: int, wanted: int) -> int:
    """The most last actions, up to `wanted`, whose codes and that of a next one fit in an int64 in base V + 2."""
    return max(1, min(wanted, int(62 / math.log2(actions + 2)) - 1))


@dataclass(frozen=True)
class Tables:
    """What a `models.back_off.BackOff` counted. V known actions, C contexts, M counts, n last actions.

    Every index that they hold is inside what it points into: `of_weights` has looked.
    """

    order: int  # n
    prior: float
    network_weight: float  # of the network beside them
    ends: tuple[int, ...]  # (n' + 1), n' <= n: of each order's part of the contexts
    context: Ints  # (C,) rising within an order
    start: Ints  # (C + 1,) of each context's counts
    total: Singles  # (C,)
    action: Ints  # (M,) 0-based
    count: Singles  # (M,)
    share: Singles  # (V,)

    @classmethod
    def of_weights(cls, weights: Weights, prefix: str, known: int) -> Tables:
        """The tables among a model's weights.

        Args:
            weights: All of the model's.
            prefix: What the names of theirs begin with.
            known: V.

        Raises ArtifactError if one is missing, or points outside of another.
        """
        settings = _array(weights, f"{prefix}settings", np.float64)
        if len(settings) < 4 or not 1 <= settings[2] <= _LONGEST or not settings[0] > 0 or not 0 <= settings[1] <= 1:
            raise ArtifactError(f'its weights "{prefix}settings" are none of counts')
        tables = cls(
            order=int(settings[2]),
            prior=float(settings[0]),
            network_weight=float(settings[1]),
            ends=tuple(int(end) for end in settings[3:]),
            context=_array(weights, f"{prefix}context", np.int64),
            start=_array(weights, f"{prefix}start", np.int64),
            total=_array(weights, f"{prefix}total", np.float32),
            action=_array(weights, f"{prefix}action", np.int64),
            count=_array(weights, f"{prefix}count", np.float32),
            share=_array(weights, f"{prefix}share", np.float32),
        )
        wrong = tables._wrong(known)
        if wrong is not None:
            raise ArtifactError(f'its weights "{prefix}{wrong}" do not fit the other tables of counts')
        return tables

    def to_weights(self, prefix: str) -> Weights:
        """The inverse of `of_weights`."""
        settings = np.array([self.prior, self.network_weight, self.order, *self.ends], np.float64)
        arrays = {name: getattr(self, name) for name in ("context", "start", "total", "action", "count", "share")}
        return {f"{prefix}{name}": array for name, array in {"settings": settings, **arrays}.items()}

    def frozen(self) -> Singles:
        """(1 + C, V) the distribution after no context and each one; (0, 0) if that is too much to hold.

        As `BackOff.freeze`, number by number.
        """
        known = len(self.share)
        if (1 + len(self.context)) * known > CELLS:
            return np.zeros((0, 0), np.float32)
        rows, place, prior = [self.share[None, :]], 1, np.float32(self.prior)
        for n in range(self.order):
            low, high = self.ends[n], self.ends[n + 1]
            if n == 0:
                shorter = np.repeat(rows[0], high - low, axis=0)
            else:
                before = self.context[self.ends[n - 1] : low]
                shorter = rows[n][np.searchsorted(before, self.context[low:high] % place)]
            place *= known + 2
            sizes = np.diff(self.start[low : high + 1])
            row, which = np.repeat(np.arange(high - low), sizes), slice(self.start[low], self.start[high])
            found = shorter * prior
            np.add.at(found, (row, self.action[which]), self.count[which])
            rows.append(found / (self.total[low:high] + prior)[:, None])
        return np.concatenate(rows)

    def _wrong(self, known: int) -> str | None:
        """The name of a table that does not fit the others."""
        contexts, counts = len(self.context), len(self.action)
        if len(self.share) != known or (self.share < 0).any():
            return "share"
        rising = all(a <= b for a, b in zip(self.ends, self.ends[1:], strict=False))
        if len(self.ends) != self.order + 1 or self.ends[0] != 0 or self.ends[-1] != contexts or not rising:
            return "settings"
        if len(self.start) != contexts + 1 or self.start[0] != 0 or self.start[-1] != counts:
            return "start"
        if (np.diff(self.start) < 0).any():
            return "start"
        if counts and (self.action.min() < 0 or self.action.max() >= known):
            return "action"
        if len(self.count) != counts or (self.count < 0).any():
            return "count"
        if len(self.total) != contexts or (self.total < 0).any():
            return "total"
        return None if self._contexts_fit(known) else "context"

    def _contexts_fit(self, known: int) -> bool:
        """Whether contexts rise within an order, and are numbers of so many actions."""
        base = known + 2
        if base**self.order > 2**63:
            return False
        for n in range(self.order):
            part = self.context[self.ends[n] : self.ends[n + 1]]
            if not len(part):
                continue
            if (np.diff(part) <= 0).any() or part[0] < 0 or part[-1] >= base ** (n + 1):
                return False
            if n:
                before, shorter = self.context[self.ends[n - 1] : self.ends[n]], part % base**n
                at = np.searchsorted(before, shorter)
                if not len(before) or (at >= len(before)).any() or (before[at] != shorter).any():
                    return False
        return True


def _array(weights: Weights, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
    """The vector of that name. Raises ArtifactError if there is none."""
    found = weights.get(name)
    if found is None or found.ndim != 1 or found.dtype != kind:
        raise ArtifactError(f'its weights "{name}" are missing, or no list of {np.dtype(kind)}')
    return found
