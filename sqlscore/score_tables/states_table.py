"""The table of users' states that an incremental refresh continues from, as Arrow and as tensors."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.scoring.sql_types import STATE_ARROW
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import from_arrow
from sqlscore.sql.objects import table


def create_states(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Make an empty table of states in a mapping's schema, in place of the old one."""
    con.execute(table(STATES_TABLE).for_schema(schema))


def states_of(rows: pa.Table) -> States:
    """Rows of the table -> (N,) states."""
    columns = [rows.column(field.name).combine_chunks() for field in STATE_ARROW]
    return from_arrow(pa.StructArray.from_arrays([_chunk(c) for c in columns], fields=list(STATE_ARROW)))


def float_rows(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """N > 0 lists of the same length D -> float32 (N, D)."""
    values: npt.NDArray[np.float32] = _chunk(column.combine_chunks()).flatten().to_numpy()
    return values.reshape(len(column), -1)


def comparable(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Ids in a type that Arrow's index_in can look up."""
    array = _chunk(ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids)
    if pa.types.is_dictionary(array.type) or pa.types.is_decimal(array.type):
        return array.cast(pa.string())
    return array


def _chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
