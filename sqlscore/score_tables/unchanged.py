"""Users whose events did not change: at a new moment their churn risk changes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.parallel import in_order
from sqlscore.score_tables.changes import CHANGES_TABLE
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.score_tables.moments import USERS
from sqlscore.score_tables.run import Run
from sqlscore.score_tables.states_table import float_rows, states_of
from sqlscore.score_tables.writing import arriving
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import churn_risk_from_summary
from sqlscore.scoring.scores import churn_probability
from sqlscore.scoring.states_in_arrow import microseconds

_ROWS = 32_768


def refresh_unchanged(run: Run) -> bool:
    """Bring the users that are not in CHANGES_TABLE to the run's moment: only their churn risk depends on it.

    Four columns are updated in place: churn_risk, as_of, scored_at and days_silent. All other stored ones depend on a
    user's events alone. Returns whether any of them was at another moment before.

    Raises MappingError if stored users are not found again by their user_id.
    """
    if run.in_groups:
        _refresh_in_groups(run)
        return True
    con, artifact, users = run.con, run.artifact, run.table("scored_users")
    moment, scored_at = f"make_timestamp({int(run.as_of)})", run.stamp["scored_at"]
    moved = (
        f"as_of = {moment}, scored_at = {scored_at}, "
        f"days_silent = (epoch_us({moment}) - epoch_us({{}}last_event_time)) / 864e8"
    )
    behind = f"SELECT count(*) FROM {users} WHERE as_of IS DISTINCT FROM {moment}"
    moves = one(con, behind) != (0,)
    if not moves or "churn" not in artifact.manifest.heads:
        con.execute(f"UPDATE {users} SET {moved.format('')}")
        return moves
    aged = in_order(partial(_risks, artifact, run.as_of), _unchanged(run), run.threads)
    first = next(aged, None)
    if first is None:
        return moves
    user_type = con.sql(f"SELECT user_id FROM {users}").types[0]  # in Arrow it may be another type, of fewer digits
    with arriving(con, first, aged) as risks:
        con.execute(
            f"UPDATE {users} u SET churn_risk = r.churn_risk, {moved.format('u.')} "
            f"FROM {risks} r WHERE u.user_id = CAST(r.user_id AS {user_type}) "
            f"AND u.as_of IS DISTINCT FROM {moment}"  # users that changed are at the moment already
        ).fetchall()
    if one(con, behind) != (0,):
        raise _not_found(run, user_type)
    return moves


def _refresh_in_groups(run: Run) -> None:
    """As `refresh_unchanged`, each user to the newest event of the user's groups, if that has moved.

    Raises MappingError if a stored user is not found again by its user_id.
    """
    con, users = run.con, run.table("scored_users")
    con.execute(f"UPDATE {users} SET scored_at = {run.stamp['scored_at']}")
    aged = in_order(partial(_aged, run.artifact), _unchanged(run), run.threads)
    first = next(aged, None)
    if first is None:
        return
    sent = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal sent
        for rows in chain([first], aged):
            sent += len(rows)
            yield rows

    rows = counted()
    user_type = con.sql(f"SELECT user_id FROM {users}").types[0]
    with arriving(con, next(rows), rows) as moved:
        found = con.execute(
            f"UPDATE {users} u SET churn_risk = r.churn_risk, as_of = r.as_of, "
            "days_silent = (epoch_us(r.as_of) - epoch_us(u.last_event_time)) / 864e8 "
            f"FROM {moved} r WHERE u.user_id = CAST(r.user_id AS {user_type})"
        ).fetchall()
    if found != [(sent,)]:
        raise _not_found(run, user_type)


def _not_found(run: Run, user_type: object) -> MappingError:
    return MappingError(
        f'not every user of the events mapped as "{run.mapping.name}" was found again by user_id ({user_type}): '
        "refresh with full=True (--full), and map a text or BIGINT column as user_id"
    )


def _unchanged(run: Run) -> Iterator[pa.Table]:
    """What was stored of users until then; in groups, of those whose moment moved and whose events did not change."""
    columns = "s.user_id, s.first_time, s.last_time, s.standing" if run.artifact.keeps_churn_summary else "s.*"
    states = f"SELECT {columns} FROM {run.table(STATES_TABLE)} s"
    # Users whose newest events are gone were read later than the moment, and cannot be brought to it.
    query = f"{states} WHERE s.last_time <= make_timestamp({int(run.as_of)})"
    if run.in_groups:
        unchanged = f"{states} ANTI JOIN {CHANGES_TABLE} c USING (user_id)"
        query = (
            f"SELECT s.*, u.high_water AS as_of FROM ({unchanged}) s JOIN {USERS} u USING (user_id) "
            f"JOIN {run.table('scored_users')} o USING (user_id) WHERE o.as_of IS DISTINCT FROM u.high_water"
        )
    for batch in run.reader.sql(query).to_arrow_reader(_ROWS):
        if len(batch):
            yield pa.Table.from_batches([batch])


def _aged(artifact: Artifact, stored: pa.Table) -> pa.Table:
    """The risks of these users, each at its moment."""
    moments = stored.column("as_of").combine_chunks()
    if "churn" in artifact.manifest.heads:
        risk = _risks_at(artifact, microseconds(moments), stored.drop_columns("as_of"))
    else:
        risk = pa.nulls(len(stored), pa.float32())
    return pa.table([stored.column("user_id"), risk, moments], ["user_id", "churn_risk", "as_of"])


def _risks(artifact: Artifact, as_of: int, stored: pa.Table) -> pa.Table:
    risk = _risks_at(artifact, np.full(len(stored), as_of, np.int64), stored)
    return pa.table([stored.column("user_id"), risk], ["user_id", "churn_risk"])


def _risks_at(artifact: Artifact, at: Ints, stored: pa.Table) -> pa.Array:
    if artifact.keeps_churn_summary:
        times = [microseconds(stored.column(name).combine_chunks()) for name in ("first_time", "last_time")]
        summary = float_rows(stored.column("standing"))
        return pa.array(churn_risk_from_summary(artifact, summary, np.stack(times, 1), at))
    return pa.array(churn_probability(artifact, states_of(stored), at))
