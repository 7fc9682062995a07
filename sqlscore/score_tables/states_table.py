"""The table of users' states that an incremental refresh goes on from, as Arrow and as tensors."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlscore.database.queries import create_empty
from sqlscore.quoting import literal
from sqlscore.scoring.sql_types import STATE_ARROW, STATE_SQL
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import from_arrow

_COMMENTS = {
    "user_id": "The user.",
    "hidden": "The model's state after the user's last event.",
    "first_time": "Time of the first event, UTC.",
    "last_time": "Time of the last event, UTC.",
    "n_events": "Number of events in the state.",
    "n_unknown": "How many of them have an action that the model has never seen.",
    "model": "The model whose state it is.",
    "standing": "What the churn head needs of the state, whatever the moment; NULL where it needs it all.",
    "content": "Sum modulo 2^64 of the hashes of the events.",
}


def create_states(con: duckdb.DuckDBPyConnection, name: str, events: str) -> None:
    """An empty table of states, `name`, for the users of `events`; both quoted."""
    fields = STATE_SQL.removeprefix("STRUCT(").removesuffix(")")
    columns = ", ".join(f"NULL::{kind} AS {field}" for field, kind in (f.split(" ", 1) for f in fields.split(", ")))
    con.execute(f"DROP TABLE IF EXISTS {name}")
    shape = f"SELECT user_id, {columns}, NULL::FLOAT[] AS standing, NULL::UBIGINT AS content FROM {events}"
    create_empty(con, name, shape)
    con.execute(
        f"COMMENT ON TABLE {name} IS 'The model''s state of each user, which an incremental refresh goes on from; "
        "content is the sum modulo 2^64 of the hashes of the events in it'"
    )
    for column, comment in _COMMENTS.items():
        con.execute(f"COMMENT ON COLUMN {name}.{column} IS {literal(comment)}")


def states_of(table: pa.Table) -> States:
    """Rows of the table as states."""
    columns = [table.column(field.name).combine_chunks() for field in STATE_ARROW]
    return from_arrow(pa.StructArray.from_arrays([_chunk(c) for c in columns], fields=list(STATE_ARROW)))


def float_rows(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """N lists of the same length D -> float32 (N, D), N > 0."""
    values: npt.NDArray[np.float32] = _chunk(column.combine_chunks()).flatten().to_numpy()
    return values.reshape(len(column), -1).copy()  # torch warns of arrays that it cannot write to


def comparable(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Ids in a type that Arrow can look up."""
    array = _chunk(ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids)
    if pa.types.is_dictionary(array.type) or pa.types.is_decimal(array.type):
        return array.cast(pa.string())
    return array


def _chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
