"""An intervention -> who was treated and who was held out by chance, and who stayed: what an uplift is learned from."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from sqlscore.arrays import Bools, Floats
from sqlscore.database.queries import one
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.finetuning.label_checks import TABLE
from sqlscore.finetuning.labels import Labels, read_labels
from sqlscore.quoting import qualified

LEAST = 100
"""Users with known outcomes in either arm, fewer of whom tell nothing of differences between users."""

_TABLE = "sqlscore_trial"
_UNEVEN = 1e-4


@dataclass(frozen=True)
class Trial:
    """N users who were treated or held out by chance, each once, by their first assignment.

    Attributes:
        which: the intervention.
        labels: whether they stayed, a yes/no label as of the assignment that was known a horizon later.
        treated: (N,) what was assigned, whatever was sent or read.
        probability: (N,) with which each was to be treated, above 0 and below 1.
        n_not_randomised: users who were certain to be treated or not, and are left out.
        n_strangers: users without an event up to the assignment, who are left out too.
        horizon_seconds: of the newest assignment.
    """

    which: str
    labels: Labels
    treated: Bools
    probability: Floats
    n_not_randomised: int
    n_strangers: int
    horizon_seconds: float

    def __len__(self) -> int:
        return len(self.labels)


def read_trial(con: duckdb.DuckDBPyConnection, mapping: Mapping, which: str, high_water: int) -> Trial:
    """Read the outcomes that are known, of the users that chance assigned.

    Args:
        con: A connection of its own, which sees one state of the file.
        mapping: The events.
        which: The intervention, as `sqlscore.interventions` names it.
        high_water: µs, the newest event.

    Raises TrainingError that says why nothing can be learned from it.
    """
    judged, events = qualified(mapping.schema, "judged_interventions"), qualified(mapping.schema, "events")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {_TABLE} AS
            SELECT j.user_id, j.assigned_at, j.variant = 'treated' AS treated, j.probability, NOT j.churned AS stayed,
                j.assigned_at + to_microseconds(CAST(j.horizon_seconds * 1e6 AS BIGINT)) AS known_at,
                j.horizon_seconds, coalesce(j.probability > 0 AND j.probability < 1, false) AS randomised,
                coalesce(f.first <= j.assigned_at, false) AS known_before
            FROM {judged} j LEFT JOIN (
                SELECT user_id, min(event_time) AS first FROM {events} GROUP BY user_id
            ) f USING (user_id) WHERE j.which = ?""",
        [which],
    )
    usable = "randomised AND known_before AND stayed IS NOT NULL"
    _check(con, mapping, which, usable)
    query = (
        f"SELECT user_id, assigned_at AS as_of, known_at, stayed AS label FROM {_TABLE} WHERE {usable} "
        "ORDER BY assigned_at, user_id"
    )  # the order alone makes the same seed give the same parts
    labels = read_labels(con, mapping, query, "yes_no", high_water)
    rows = con.sql(
        f"SELECT t.treated, t.probability FROM {TABLE} l JOIN {_TABLE} t USING (user_id) ORDER BY l.row"
    ).fetchnumpy()
    left = one(
        con,
        f"""SELECT count(*) FILTER (NOT randomised), count(*) FILTER (randomised AND NOT known_before),
               arg_max(horizon_seconds, assigned_at) FROM {_TABLE}""",
    )
    assert left is not None  # noqa: S101 - a count has a row
    treated, probability = np.asarray(rows["treated"], np.bool_), np.asarray(rows["probability"], np.float64)
    return Trial(which, labels, treated, probability, int(left[0]), int(left[1]), float(left[2]))


def _check(con: duckdb.DuckDBPyConnection, mapping: Mapping, which: str, usable: str) -> None:
    row = one(
        con,
        f"""SELECT count(*), count(*) FILTER (randomised), count(*) FILTER ({usable} AND treated),
               count(*) FILTER ({usable} AND NOT treated), count(*) FILTER (randomised AND treated),
               sum(probability) FILTER (randomised), sum(probability * (1 - probability)) FILTER (randomised),
               count(*) FILTER (randomised AND stayed IS NULL), count(DISTINCT stayed) FILTER ({usable}),
               any_value(stayed) FILTER ({usable})
            FROM {_TABLE}""",
    )
    assert row is not None  # noqa: S101 - a count has a row
    n, randomised, treated, held_out, given, expected, variance, unknown, outcomes, stayed = row
    if not n:
        names = con.execute(
            f"SELECT DISTINCT which FROM {qualified(mapping.schema, 'interventions')} ORDER BY ALL LIMIT 10"
        ).fetchall()
        have = ", ".join(repr(name) for (name,) in names) or "none: run sqlscore assign"
        raise TrainingError(f"nobody was assigned to the intervention {which!r} (interventions: {have})")
    if not randomised:
        raise TrainingError(
            f'of {which!r} nobody was held out by chance (the column "probability" of sqlscore.interventions is 0, 1 '
            "or NULL in all rows), so it cannot be told what would have happened without it: assign with --held-out 0.3"
        )
    p = one(con, f"SELECT {qualified(mapping.schema, 'two_sided_p')}(?)", [(given - expected) / variance**0.5])
    if p is not None and p[0] < _UNEVEN:
        raise TrainingError(
            f"of {which!r} {given:,} of {randomised:,} users are treated and {expected:,.0f} were to be: chance hardly "
            "makes such arms, so that something interfered; find out which rows of sqlscore.interventions are missing "
            "or were changed"
        )
    if min(treated, held_out) < LEAST:
        raise TrainingError(
            f"of {which!r} the outcome is known of {treated:,} treated and {held_out:,} held-out users, and {LEAST} of "
            f"each are needed ({unknown:,} more are not known yet): wait, or assign more users"
        )
    if outcomes < 2:
        raise TrainingError(
            f"of {which!r} {'everybody' if stayed else 'nobody'} stayed: there is nothing that could differ"
        )
