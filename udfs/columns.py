"""States as a SQL value, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.columns import column_of, numbers_of, rows_where, texts_of
from sqlscore.errors import EventsError
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import from_arrow
from sqlscore.udfs.arguments import Column, one_array


def by_model(column: Column, catalog: Catalog) -> Iterator[tuple[pa.Array, Artifact, States]]:
    """Split a column of states into (row numbers, the model that made them, states); NULLs appear in none.

    Raises EventsError if a model makes no such states.
    """
    states = one_array(column)
    if pa.types.is_null(states.type):
        return
    labels = states.field("model") if states.null_count == 0 else pc.struct_field(states, "model")
    for label in pc.unique(labels.drop_null()).to_pylist():
        rows = column_of(rows_where(pc.equal(labels, texts_of([label])[0])))
        chosen = states if len(rows) == len(states) else states.take(rows)
        artifact, found = catalog.artifact(label, ""), from_arrow(chosen)
        if found.hidden.shape[1] != artifact.manifest.state_size:
            raise EventsError(
                f"states of {found.hidden.shape[1]} numbers are not of {artifact.name}, whose states have "
                f"{artifact.manifest.state_size}: encode the events again"
            )
        yield rows, artifact, found


def newest_in(column: Column, rows: pa.Array) -> pa.Array | None:
    """(M,) the newest event of the groups of these rows' states; None if the states do not say it."""
    states = one_array(column)
    if states.type.get_field_index("high_water") < 0:
        return None
    return pc.struct_field(states, "high_water").take(rows)


def scatter(pieces: list[tuple[pa.Array, pa.Array]], length: int, kind: pa.DataType) -> pa.Array:
    """Put pieces of a column together.

    Args:
        pieces: int64 (M,) row numbers and (M,) values each; no row is in two pieces.
        length: N, rows of the column.
        kind: its type.

    Returns:
        (N,), NULL in rows that are in no piece.
    """
    if len(pieces) == 1 and len(pieces[0][0]) == length:
        return pieces[0][1].cast(kind)
    positions = np.full(length, -1, np.int64)
    start = 0
    for rows, values in pieces:
        positions[numbers_of(rows)] = np.arange(start, start + len(values))
        start += len(values)
    joined = pa.concat_arrays([values.cast(kind) for _, values in pieces]) if pieces else pa.nulls(0, kind)
    return joined.take(column_of(positions, positions < 0))
