"""A head for some users alone: who they are, and whether it is better for them than the head of all users."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import StatementError, TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.excerpts import excerpt
from sqlscore.finetuning.judging import losses
from sqlscore.finetuning.label_checks import LEAST, TABLE
from sqlscore.finetuning.labels import Labels
from sqlscore.quoting import qualified
from sqlscore.statements.conditions import checked_condition

_NORMAL = 1.96


@dataclass(frozen=True)
class Comparison:
    """Two heads on the same held-out labels of a segment.

    Attributes:
        n: labels.
        users: their users.
        difference: by how much the loss of the head of all users is above that of the segment's, a label.
        low: the lower end of its 95 % interval over users.
        high: the upper end.
    """

    n: int
    users: int
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether the segment's own head is better beyond noise."""
        return self.n >= LEAST and self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """As the head's notes have it."""
        return {**asdict(self), "own_head": self.is_better}

    def sentence(self) -> str:
        """What was learned from, and why."""
        if self.n < LEAST:
            return (
                f"Learned from the labels of all users: {self.n} held-out labels of the segment are too few to tell "
                "whether its own are better."
            )
        by = f"{self.difference:+.4f} a label, 95 % interval {self.low:+.4f} to {self.high:+.4f}, {self.users:,} users"
        if self.is_better:
            return f"Learned from the segment's labels alone, which is better for its held-out users ({by})."
        return f"Learned from the labels of all users: the segment's alone are not better beyond noise ({by})."


def condition_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, where: str) -> str:
    """What says who is of a segment, in brackets.

    Args:
        con: A connection to the file.
        mapping: The events.
        where: What somebody wrote: a condition on columns of the mapped events.

    Raises TrainingError if it is none.
    """
    events = qualified(mapping.schema, "events")
    try:
        return checked_condition(con, where, events)
    except StatementError as error:
        said = excerpt(str(error).splitlines()[0], 300)
        raise TrainingError(
            f"where is {excerpt(repr(where))}: {said}; pass a condition on columns of {events}, such as "
            "country = 'FR' or user_id IN (1, 2)"
        ) from error


def events_of(mapping: Mapping, condition: str) -> str:
    """A query for the events that meet a condition, each at its own moment: what the linter looks at."""
    return f"SELECT user_id, event_time AS as_of FROM {qualified(mapping.schema, 'events')} WHERE {condition}"


def in_segment(con: duckdb.DuckDBPyConnection, mapping: Mapping, condition: str) -> npt.NDArray[np.bool_]:
    """(N,) whether each label in TABLE is of the segment: an event of its user, up to its moment, meets the condition.

    Args:
        con: The connection that has TABLE.
        mapping: The events.
        condition: What `condition_of` gave.

    Raises TrainingError if too few labels are of the segment.
    """
    events = qualified(mapping.schema, "events")
    rows = con.execute(
        f"""WITH since AS (SELECT user_id, min(event_time) AS since FROM {events} WHERE {condition} GROUP BY user_id)
            SELECT coalesce(s.since <= l.as_of, false) AS chosen
            FROM {TABLE} l LEFT JOIN since s USING (user_id) ORDER BY l.row"""
    ).fetchnumpy()
    chosen = np.asarray(rows["chosen"], np.bool_)
    if chosen.sum() < 2 * LEAST:
        raise TrainingError(
            f"where is {condition[1:-1].strip()!r}, and {int(chosen.sum())} of {len(chosen):,} labels are of users for "
            f"whom it holds as of their moment: at least {2 * LEAST} are needed"
        )
    return chosen


def compare(labels: Labels, rows: Ints, of_all: Floats, own: Floats) -> Comparison:
    """Compare what two heads say of the same labels.

    Args:
        labels: All labels.
        rows: (M,) which of them neither head has learned.
        of_all: (N, K) what the head of all users says of all labels.
        own: (N, K) what the segment's own says.
    """
    users = labels.user[rows]
    if not len(rows):
        return Comparison(0, 0, 0.0, 0.0, 0.0)
    by = losses(labels, rows, of_all[rows]) - losses(labels, rows, own[rows])
    mean = float(by.mean())
    each = np.bincount(users, weights=by - mean)  # labels of one user are not independent
    reach = _NORMAL * float(np.sqrt((each**2).sum())) / len(rows)
    return Comparison(len(rows), len(np.unique(users)), mean, mean - reach, mean + reach)
