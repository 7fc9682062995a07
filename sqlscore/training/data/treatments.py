"""Users about whom something was done: whose churn labels say what would have happened without it.

A label of a user who was treated says what came of the treatment. It is left out, and labels of users who were held out
by chance count for those as well: as often as one over their probability of being held out (inverse probability
weights: Robins, Hernán and Brumback 2000, Epidemiology 11(5)).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Bools, Floats, Ints
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified

MOST = 20.0
"""As often does a label count at most: few users must not stand for all."""


@dataclass(frozen=True)
class Counted:
    """How often the labels of U users count.

    Attributes:
        weights: (U,) 0 for labels that are left out.
        treated_surely: (U,) left out, and nobody was held out by chance who could stand for the user.
        clipped: (U,) would count more than `MOST` times.
    """

    weights: Floats
    treated_surely: Bools
    clipped: Bools


@dataclass(frozen=True)
class Treatments:
    """A assignments of the users of a log.

    Attributes:
        user: (A,) numbers of users in the log.
        assigned: (A,) µs, when.
        until: (A,) µs, up to when it may have an effect: a horizon later.
        treated: (A,) whether something was done, or was to be.
        held_out: (A,) the probability with which nothing was to be done; NaN where nobody knows.
        draw: (A,) the same for assignments that the same hash decides: who is held out once is held out again.
    """

    user: Ints
    assigned: Ints
    until: Ints
    treated: Bools
    held_out: Floats
    draw: Ints

    def count(self, date: int, users: Ints, decided: Ints) -> Counted:
        """How often labels count that begin at a date.

        Args:
            date: µs, when the labels begin.
            users: (U,) numbers of users in the log, rising.
            decided: (U,) µs, from when it is known what the label is; what is done later changes nothing.
        """
        place = np.minimum(np.searchsorted(users, self.user), max(len(users) - 1, 0))
        ours = np.flatnonzero(users[place] == self.user) if len(users) else np.zeros(0, np.int64)
        ours = ours[(self.until[ours] > date) & (self.assigned[ours] < decided[place[ours]])]
        place, treated, share = place[ours], self.treated[ours], self.held_out[ours]
        by_chance = (share > 0) & (share < 1)
        left, surely = np.zeros(len(users), np.bool_), np.zeros(len(users), np.bool_)
        left[place[treated | ~(by_chance | (share == 1))]] = True
        surely[place[(treated | (share != 1)) & ~by_chance]] = True
        weights = np.ones(len(users))
        standing = by_chance & ~treated
        if standing.any():
            pairs = np.stack([place[standing], self.draw[ours][standing]])
            (who, _), which = np.unique(pairs, axis=1, return_inverse=True)
            of_draw = np.ones(len(who))
            np.maximum.at(of_draw, which.reshape(-1), 1 / share[standing])
            np.multiply.at(weights, who, of_draw)
        clipped = ~left & (weights > MOST)
        return Counted(np.where(left, 0.0, np.minimum(weights, MOST)), surely, clipped)


def copies(weights: Floats, hashes: npt.NDArray[np.uint32], date: int) -> Ints:
    """(U,) whole numbers whose mean over users is the weight: the rest after the point is a chance, by a hash.

    Args:
        weights: (U,) from 0 on.
        hashes: (U,) of users' ids.
        date: of the labels; another one, another chance.
    """
    mixed = hashes.astype(np.uint64) + np.uint64(date * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    chance = ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
    whole: Ints = (np.floor(weights) + (chance < weights % 1)).astype(np.int64)
    return whole


def read_treatments(con: duckdb.DuckDBPyConnection, mapping: Mapping, ids: pa.Array) -> Treatments:
    """All assignments of the users of a log.

    Args:
        con: An open database.
        mapping: Whose interventions.
        ids: (N,) the users' ids.

    Raises TrainingError if there are none, or they cannot be read.
    """
    table, events = qualified(mapping.schema, "interventions"), qualified(mapping.schema, "events")
    with con.cursor() as cursor:
        kind = cursor.sql(f"SELECT user_id FROM {events} LIMIT 0").types[0]
        try:
            rows = cursor.sql(
                f"""SELECT CAST(user_id AS {kind}) AS user_id, epoch_us(assigned_at) AS assigned,
                        epoch_us(assigned_at) + CAST(coalesce(horizon_seconds, 0) * 1e6 AS BIGINT) AS until,
                        coalesce(variant = 'treated', true) AS treated, CAST(probability AS DOUBLE) AS probability,
                        dense_rank() OVER (ORDER BY which, seed) AS draw
                    FROM {table} WHERE user_id IS NOT NULL AND assigned_at IS NOT NULL ORDER BY ALL"""
            ).to_arrow_table()
        except duckdb.Error as error:
            raise TrainingError(
                f"{table} cannot be read: {error}. It needs the columns that `sqlscore assign` writes, and user_id as "
                f"in the events ({kind})"
            ) from error
    if not rows.num_rows:
        raise TrainingError(
            f"nobody was assigned to anything yet ({table} is empty), so that no label can be weighted by it: run "
            "sqlscore assign and wait a horizon, or train without --weight-from"
        )
    found = pc.index_in(rows["user_id"].combine_chunks().cast(ids.type), value_set=ids)
    rows = rows.filter(pc.is_valid(found))
    if not rows.num_rows:
        raise TrainingError(
            f"none of the users in {table} has an event that training reads: check that their user_id is that of the "
            "events, raise --max-events, or train without --weight-from"
        )
    return Treatments(
        found.drop_null().to_numpy(zero_copy_only=False).astype(np.int64),
        rows["assigned"].to_numpy().astype(np.int64),
        rows["until"].to_numpy().astype(np.int64),
        rows["treated"].to_numpy().astype(np.bool_),
        1 - rows["probability"].to_numpy().astype(np.float64),
        rows["draw"].to_numpy().astype(np.int64),
    )
