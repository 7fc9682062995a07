"""Scores of who did not change at a new moment: their risk moves, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa
import torch

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.parallel import in_order
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import STATES, TABLE
from sqlscore.score_tables.states_table import float_rows, states_of
from sqlscore.score_tables.writing import arriving
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.scores import churn_probability
from sqlscore.scoring.states_in_arrow import microseconds

_ROWS = 32_768


def move_scores(
    con: duckdb.DuckDBPyConnection,
    reader: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    artifact: Artifact,
    as_of: int,
    scored_at: str,
    threads: int | None,
) -> None:
    """Bring the rows of who is not in the table of changes to `as_of` (µs); `scored_at` is SQL.

    Written is what moves: three columns in place, which readers see with the transaction. Everything else that is
    scored depends on a user's events alone.
    """
    users = qualified(mapping.schema, "scored_users")
    moment = f"make_timestamp({int(as_of)})"
    behind = f"SELECT count(*) FROM {users} WHERE as_of IS DISTINCT FROM {moment}"
    if one(con, behind) == (0,) or "churn" not in artifact.manifest.heads:
        con.execute(f"UPDATE {users} SET as_of = {moment}, scored_at = {scored_at}")
        return
    moved = in_order(partial(_risks, artifact, as_of), _unchanged(reader, mapping, artifact), threads)
    first = next(moved, None)
    if first is None:
        return
    user_type = con.sql(f"SELECT user_id FROM {users}").types[0]  # in Arrow it may be another, of fewer digits
    with arriving(con, first, moved) as risks:
        con.execute(
            f"UPDATE {users} u SET churn_risk = r.churn_risk, as_of = {moment}, scored_at = {scored_at} "
            f"FROM {risks} r WHERE u.user_id = CAST(r.user_id AS {user_type})"
        ).fetchall()
    if one(con, behind) != (0,):
        raise MappingError(
            f'not every user of the events mapped as "{mapping.name}" was found again by user_id ({user_type}): '
            "refresh with full=True (--full), and map a text or BIGINT column as user_id"
        )


def _unchanged(reader: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact) -> Iterator[pa.Table]:
    """What is stored of users whose events are as they were."""
    columns = "s.user_id, s.first_time, s.last_time, s.standing" if artifact.stands else "s.*"
    states = qualified(mapping.schema, STATES)
    query = f"SELECT {columns} FROM {states} s ANTI JOIN {TABLE} c USING (user_id)"
    for batch in reader.sql(query).to_arrow_reader(_ROWS):
        if len(batch):
            yield pa.Table.from_batches([batch])


def _risks(artifact: Artifact, as_of: int, stored: pa.Table) -> pa.Table:
    at = np.full(len(stored), as_of, np.int64)
    if artifact.stands:
        times = [microseconds(stored.column(name).combine_chunks()) for name in ("first_time", "last_time")]
        clock = torch.from_numpy(np.stack(times, 1))
        standing = torch.from_numpy(float_rows(stored.column("standing")))
        risk = artifact.churn_standing(standing, clock, torch.from_numpy(at)).numpy()
    else:
        risk = churn_probability(artifact, states_of(stored), at)
    return pa.table([stored.column("user_id"), pa.array(risk)], ["user_id", "churn_risk"])
