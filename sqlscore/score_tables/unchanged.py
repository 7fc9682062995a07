"""Users whose events did not change: at a new moment their churn risk changes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import torch

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.parallel import in_order
from sqlscore.score_tables.changes import CHANGES_TABLE
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.score_tables.run import Run
from sqlscore.score_tables.states_table import float_rows, states_of
from sqlscore.score_tables.writing import arriving
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import churn_risk_from_summary
from sqlscore.scoring.scores import churn_probability
from sqlscore.scoring.states_in_arrow import microseconds

_ROWS = 32_768


def refresh_unchanged(run: Run) -> None:
    """Bring the users that are not in CHANGES_TABLE to the run's `as_of`: only their churn risk depends on it.

    Four columns are updated in place: churn_risk, as_of, scored_at and days_silent. All other stored ones depend on a
    user's events alone.

    Raises MappingError if stored users are not found again by their user_id.
    """
    con, artifact, users = run.con, run.artifact, run.table("scored_users")
    moment, scored_at = f"make_timestamp({int(run.as_of)})", run.stamp["scored_at"]
    moved = (
        f"as_of = {moment}, scored_at = {scored_at}, "
        f"days_silent = (epoch_us({moment}) - epoch_us({{}}last_event_time)) / 864e8"
    )
    behind = f"SELECT count(*) FROM {users} WHERE as_of IS DISTINCT FROM {moment}"
    if one(con, behind) == (0,) or "churn" not in artifact.manifest.heads:
        con.execute(f"UPDATE {users} SET {moved.format('')}")
        return
    aged = in_order(partial(_risks, artifact, run.as_of), _unchanged(run), run.threads)
    first = next(aged, None)
    if first is None:
        return
    user_type = con.sql(f"SELECT user_id FROM {users}").types[0]  # in Arrow it may be another type, of fewer digits
    with arriving(con, first, aged) as risks:
        con.execute(
            f"UPDATE {users} u SET churn_risk = r.churn_risk, {moved.format('u.')} "
            f"FROM {risks} r WHERE u.user_id = CAST(r.user_id AS {user_type})"
        ).fetchall()
    if one(con, behind) != (0,):
        raise MappingError(
            f'not every user of the events mapped as "{run.mapping.name}" was found again by user_id ({user_type}): '
            "refresh with full=True (--full), and map a text or BIGINT column as user_id"
        )


def _unchanged(run: Run) -> Iterator[pa.Table]:
    """What is stored about users whose events did not change."""
    columns = "s.user_id, s.first_time, s.last_time, s.standing" if run.artifact.keeps_churn_summary else "s.*"
    query = f"SELECT {columns} FROM {run.table(STATES_TABLE)} s ANTI JOIN {CHANGES_TABLE} c USING (user_id)"
    for batch in run.reader.sql(query).to_arrow_reader(_ROWS):
        if len(batch):
            yield pa.Table.from_batches([batch])


def _risks(artifact: Artifact, as_of: int, stored: pa.Table) -> pa.Table:
    at = np.full(len(stored), as_of, np.int64)
    if artifact.keeps_churn_summary:
        times = [microseconds(stored.column(name).combine_chunks()) for name in ("first_time", "last_time")]
        clock = torch.from_numpy(np.stack(times, 1))
        summary = torch.from_numpy(float_rows(stored.column("standing")))
        risk = churn_risk_from_summary(artifact, summary, clock, torch.from_numpy(at)).numpy()
    else:
        risk = churn_probability(artifact, states_of(stored), at)
    return pa.table([stored.column("user_id"), pa.array(risk)], ["user_id", "churn_risk"])
