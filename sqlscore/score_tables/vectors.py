"""The table of users' vectors: what `embed_events` says of them, stored for `similar_users` and kept up to date."""

from __future__ import annotations

from collections.abc import Sequence

from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.database.swap import make_view, swap_in
from sqlscore.quoting import identifier, qualified
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.score_tables.run import Run
from sqlscore.scoring.sql_types import STATE_ARROW
from sqlscore.udfs.functions import PREFIX

VECTORS_TABLE = "user_vectors"
_WIDEST = 1_024
"""Numbers of a vector above which none is stored: a million users would take more than 4 GB."""


def refresh_vectors(run: Run, wanted: bool, anew: bool) -> tuple[int | None, list[str]]:
    """Bring the table up to the stored states, after these, in the caller's transaction.

    Args:
        run: The refresh.
        wanted: Whether to make the table if there is none yet.
        anew: Whether all states are new.

    Returns the number of rows, None if vectors are not stored, and what to tell the user.
    """
    con, name, states = run.con, run.table(VECTORS_TABLE), run.table(STATES_TABLE)
    stored = is_table(con, run.mapping.schema, VECTORS_TABLE)
    if not (wanted or stored):
        return None, []
    size = run.artifact.manifest.embedding_size
    if size > _WIDEST:
        if stored:
            con.execute(f"DROP TABLE {name}")
            make_view(con, run.mapping, VECTORS_TABLE)
        return None, [
            f"vectors of {run.artifact.name} have {size:,} numbers and are not stored: similar_users encodes all users "
            "at each call"
        ]
    shape = con.sql(f"SELECT {_columns('NULL::FLOAT[]')} FROM {states} LIMIT 0")
    if anew or not stored or not _is_like(run, shape.columns, shape.types):
        staging = qualified(run.mapping.schema, f"next_{VECTORS_TABLE}")
        con.execute(f"CREATE TABLE {staging} AS SELECT {_columns(_EMBEDDING)} FROM {states}")
        swap_in(con, run.mapping, VECTORS_TABLE)
    else:
        con.execute(
            f"""DELETE FROM {name} v WHERE NOT EXISTS (
                    FROM {states} s WHERE s.user_id = v.user_id AND s.content = v.content AND s.model = v.model
                    AND s.last_time = v.last_event_time)"""
        )
        con.execute(f"INSERT INTO {name} SELECT {_columns(_EMBEDDING)} FROM {states} ANTI JOIN {name} USING (user_id)")
    counted = one(con, f"SELECT count(*) FROM {name}")
    return int(counted[0]) if counted else 0, []


_EMBEDDING = (
    f"{PREFIX}embedding(struct_pack({', '.join(f'{identifier(f.name)} := {identifier(f.name)}' for f in STATE_ARROW)}),"
    " true)"
)


def _columns(vector: str) -> str:
    """What is selected from the states, with SQL for the vector."""
    return f"user_id, {vector} AS vector, last_time AS last_event_time, model, content"


def _is_like(run: Run, columns: list[str], types: Sequence[object]) -> bool:
    """Whether the table has these columns, so that rows can be replaced in it: somebody may have changed it."""
    there = run.con.sql(f"FROM {run.table(VECTORS_TABLE)} LIMIT 0")
    return there.columns == columns and list(map(str, there.types)) == list(map(str, types))
