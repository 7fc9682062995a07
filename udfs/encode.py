"""encode: lists of events -> states. The one expensive function; all public functions of a SELECT share its call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.events.sequences import Sequences, from_lists
from sqlscore.events.unpacking import is_packed, unpack
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.sql_types import GROUPED_STATE_ARROW, STATE_ARROW
from sqlscore.scoring.states_in_arrow import times_array, to_arrow
from sqlscore.udfs.arguments import Column, mapping_of, newest_of, one_array
from sqlscore.udfs.columns import scatter


def encode(catalog: Catalog, lists: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, model, mapping) -> STATE_ARROW, NULL for a list without usable events."""
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        pieces.append((rows, to_arrow(states, artifact.name)))
    return scatter(pieces, len(lists), STATE_ARROW)


def encode_grouped(catalog: Catalog, lists: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, model, mapping) -> GROUPED_STATE_ARROW: as `encode`, with the newest event of each list's groups."""
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        newest = times_array(newest_of(sequences))
        columns = [*to_arrow(states, artifact.name).flatten(), newest]
        pieces.append((rows, pa.StructArray.from_arrays(columns, fields=list(GROUPED_STATE_ARROW))))
    return scatter(pieces, len(lists), GROUPED_STATE_ARROW)


def sequences_by_model(
    catalog: Catalog, lists: Column, model: Column, mapping: Column
) -> Iterator[tuple[pa.Array, Artifact, Sequences]]:
    """Split lists by the model that is named for them; rows without usable events appear in none."""
    if len(lists) == 0:
        return
    events = one_array(lists)
    mapped = mapping_of(catalog, mapping)
    read = unpack if is_packed(events.type) else from_lists
    sequences = read(events, mapped)
    has_events = sequences.lengths > 0
    models = one_array(model)
    for label in pc.unique(models).to_pylist():
        artifact = catalog.artifact(label, mapped.name)
        named = pc.is_null(models) if label is None else pc.fill_null(pc.equal(models, label), False)
        rows = np.flatnonzero(named.to_numpy(zero_copy_only=False) & has_events)
        if len(rows):
            whole = len(rows) == len(sequences)
            yield pa.array(rows), artifact, sequences if whole else sequences.select(rows)
