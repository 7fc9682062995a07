"""Tables of who came back: counted on churn examples, calibrated on later ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.scoring.recency import SURE, Recency, Singles
from sqlscore.training.data.churn_labels import Examples
from sqlscore.training.data.distinct import distinct
from sqlscore.training.data.encoding import Encoded

_PACES, _SILENCES = 6, 12  # bins, each of about as many examples; finer ones were no better on later dates
_PRIOR = 10.0  # examples that the coarser table counts for in each cell


@dataclass(frozen=True)
class Standing:
    """What the tables read of E examples, as a state of `scoring.counts.Counts` and the moment say it."""

    events: Singles  # (E,) how many there were
    span: Singles  # (E,) seconds from the first to the last
    last: Singles  # (E,) codes of the last actions
    elapsed: Floats  # (E,) seconds since

    @classmethod
    def at(cls, data: Encoded, examples: Examples) -> Standing:
        """The standing of users at churn examples."""
        first = data.offsets[np.searchsorted(data.offsets, examples.position, "right") - 1]
        return cls(
            (examples.position - first + 1).astype(np.float32),
            ((data.times[examples.position] - data.times[first]) / US_PER_SECOND).astype(np.float32),
            np.minimum(data.categories[examples.position, 0], data.known + 1).astype(np.float32),
            examples.elapsed,
        )

    def risk(self, tables: Recency) -> Singles:
        """(E,) by these tables."""
        return tables.churn(self.events, self.span, self.last, self.elapsed)


def count_recency(standing: Standing, churned: Bools, actions: int) -> Recency:
    """Shares of those who left: of all, by pace, by silence too, by the last action too, each topped up by the former.

    Args:
        standing: of E examples.
        churned: (E,) labels.
        actions: V + 2, the codes of last actions.
    """
    several = standing.events > 1
    paces = standing.span[several] / (standing.events[several] - 1)
    empty = Recency(
        _edges(paces.astype(np.float64), _PACES),
        _edges(standing.elapsed, _SILENCES),
        np.zeros((0, 0), np.float32),
        np.zeros(0, np.int64),
        np.zeros(0, np.float32),
        np.array(actions),
    )
    shape = (len(empty.pace) + 2, len(empty.silence) + 1)
    empty = replace(empty, risk=np.zeros(shape, np.float32))
    cell = empty.cells(standing.events, standing.span, standing.elapsed)
    by_pace = _shares(cell // shape[1], churned, shape[0], np.full(shape[0], churned.mean()))
    risk = _shares(cell, churned, shape[0] * shape[1], np.repeat(by_pace, shape[1]))
    known, which = distinct(cell * actions + standing.last.astype(np.int64))
    of_cell = _shares(which, churned, len(known), risk[known // actions])
    return replace(
        empty, risk=risk.reshape(shape).astype(np.float32), cell=known, risk_of_cell=of_cell.astype(np.float32)
    )


def calibrated(tables: Recency, fitted: Floats) -> Recency:
    """The tables with risks sigmoid(a logit(risk) + b), for (a, b) of `learning.churn_calibration`."""

    def mapped(risk: Singles) -> Singles:
        moved: Floats = 0.5 * (1 + np.tanh(0.5 * (fitted[0] * logits(risk) + fitted[1])))
        return moved.astype(np.float32)

    return replace(tables, risk=mapped(tables.risk), risk_of_cell=mapped(tables.risk_of_cell))


def logits(risk: Singles) -> Floats:
    """Of risks, held off 0 and 1."""
    sure = np.clip(risk.astype(np.float64), SURE, 1 - SURE)
    return np.asarray(np.log(sure / (1 - sure)))


def _edges(values: Floats, bins: int) -> Floats:
    """Up to bins - 1 edges between bins of about as many values each."""
    if not len(values):
        return np.zeros(0)
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))


def _shares(cell: Ints, churned: Bools, cells: int, coarser: Floats) -> Floats:
    """(E,) cells and labels, (cells,) shares of a coarser table -> (cells,)."""
    count, gone = np.bincount(cell, minlength=cells), np.bincount(cell, churned, minlength=cells)
    return np.asarray((gone + _PRIOR * coarser) / (count + _PRIOR))
