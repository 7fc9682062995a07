"""Who comes back, from tables: silence against the user's own pace, and what was done last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import ArtifactError
from sqlscore.scoring.weights import Weights

Singles = npt.NDArray[np.float32]

SURE = 1e-4
"""Churn risks keep this distance from 0 and 1, which no finite sample can promise."""

_KINDS: dict[str, type[np.generic]] = {
    "pace": np.float64,
    "silence": np.float64,
    "risk": np.float32,
    "cell": np.int64,
    "risk_of_cell": np.float32,
}


@dataclass(frozen=True)
class Recency:
    """Calibrated risks of cells. A cell is [pace | silence], or, where enough was seen, that and the last action.

    The pace is the mean time between a user's events; a user with one event has a row of its own, the first. G - 1
    edges part the paces and E - 1 the silences; K cells with an action were seen. Codes of actions are those of states.
    """

    pace: Floats  # (G - 1,) seconds, rising
    silence: Floats  # (E - 1,) seconds, rising
    risk: Singles  # (1 + G, E)
    cell: Ints  # (K,) rising: (row * E + column) * actions + code
    risk_of_cell: Singles  # (K,)
    actions: Ints  # (): V + 2

    @classmethod
    def of_weights(cls, weights: Weights, prefix: str, known: int) -> Recency | None:
        """The tables among a model's weights, of V known actions; None if there are none.

        Raises ArtifactError if they are not such tables.
        """
        found = {name: weights.get(prefix + name) for name in _KINDS}
        if all(array is None for array in found.values()):
            return None
        for name, array in found.items():
            if array is None or array.dtype != _KINDS[name] or array.ndim != (2 if name == "risk" else 1):
                raise ArtifactError(f'its weights "{prefix}{name}" are missing, or no table of {_KINDS[name].__name__}')
        whole: dict[str, Any] = found
        tables = cls(**whole, actions=np.array(known + 2))
        wrong = tables._wrong()
        if wrong is not None:
            raise ArtifactError(f'its weights "{prefix}{wrong}" do not fit the other tables of churn')
        return tables

    def to_weights(self, prefix: str) -> Weights:
        """The inverse of `of_weights`."""
        return {prefix + name: getattr(self, name) for name in _KINDS}

    def _wrong(self) -> str | None:
        """The name of a table that does not fit the others."""
        for name in ("pace", "silence"):
            if (np.diff(getattr(self, name)) <= 0).any():
                return name
        if self.risk.shape != (len(self.pace) + 2, len(self.silence) + 1) or _no_shares(self.risk):
            return "risk"
        if (np.diff(self.cell) <= 0).any() or ((self.cell < 0) | (self.cell >= self.risk.size * self.actions)).any():
            return "cell"
        return "risk_of_cell" if len(self.risk_of_cell) != len(self.cell) or _no_shares(self.risk_of_cell) else None

    def cells(self, events: Singles, span: Singles, elapsed: Floats) -> Ints:
        """(N,) events, seconds from the first to the last and since the last -> (N,) row * E + column."""
        pace = span / np.maximum(events - 1, 1)
        row = np.where(events > 1, 1 + np.searchsorted(self.pace, pace, "right"), 0)
        return np.asarray(row * self.risk.shape[1] + np.searchsorted(self.silence, elapsed, "right"), np.int64)

    def churn(self, events: Singles, span: Singles, last: Singles, elapsed: Floats) -> Singles:
        """The probability of no event within the horizon.

        Args:
            events: (N,) how many there were.
            span: (N,) seconds from the first to the last.
            last: (N,) codes of the last actions.
            elapsed: (N,) seconds since the last event.
        """
        cell = self.cells(events, span, elapsed)
        found = np.clip(self.risk.reshape(-1)[cell], SURE, 1 - SURE)
        if not len(self.cell):
            return found
        with_action = cell * int(self.actions) + last.astype(np.int64)
        at = np.searchsorted(self.cell, with_action).clip(max=len(self.cell) - 1)
        return np.where(self.cell[at] == with_action, np.clip(self.risk_of_cell[at], SURE, 1 - SURE), found)


def _no_shares(values: Singles) -> bool:
    return bool(((values < 0) | (values > 1)).any())
