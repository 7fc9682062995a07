"""encode: lists of events -> states. The one expensive function; all public functions of a SELECT share its call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.columns import column_of, numbers_of, texts_of
from sqlscore.events.mapping import Mapping
from sqlscore.events.reading import from_lists
from sqlscore.events.sequences import Sequences
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
    return _once(catalog, lists, model, mapping, STATE_ARROW)


def encode_grouped(catalog: Catalog, lists: Column, model: Column, mapping: Column) -> pa.Array:
    """(lists, model, mapping) -> GROUPED_STATE_ARROW: as `encode`, with the newest event of each list's groups."""
    return _once(catalog, lists, model, mapping, GROUPED_STATE_ARROW)


def _once(catalog: Catalog, lists: Column, model: Column, mapping: Column, kind: pa.StructType) -> pa.Array:
    """What `_encoded` returns, or what it just returned for the same lists to another function of the query."""
    labels = pc.unique(one_array(model)).to_pylist()
    if len(labels) != 1 or not STATES.max_bytes:
        return _encoded(catalog, lists, model, mapping, kind)
    mapped, events = mapping_of(catalog, mapping), one_array(lists)
    artifact = catalog.artifact(labels[0], mapped.name)
    key = (kind, artifact.sha256, artifact.name, artifact.device, mapped)
    found = STATES.calls.find(key, events)
    if found is None:
        found = _encoded(catalog, events, model, mapping, kind)
        STATES.calls.keep(key, events, found)
    else:
        STATES.count_hits(len(found) - found.null_count)
    return found


def _encoded(catalog: Catalog, lists: Column, model: Column, mapping: Column, kind: pa.StructType) -> pa.Array:
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        states, encoded = STATES.encode(artifact, sequences)
        catalog.count(encoded)
        found = to_arrow(states, artifact.name)
        if kind is GROUPED_STATE_ARROW:
            newest = times_array(newest_of(sequences))
            found = pa.StructArray.from_arrays([*found.flatten(), newest], fields=list(kind))
        pieces.append((rows, found))
    return scatter(pieces, len(lists), kind)


def sequences_of(lists: Column, mapped: Mapping) -> tuple[pa.Array, Sequences] | None:
    """Numbers of the lists that have usable events, and these events; None if none has."""
    events = one_array(lists)
    read = unpack if is_packed(events.type) else from_lists
    sequences = read(events, mapped)
    rows = np.flatnonzero(sequences.lengths > 0)
    if not len(rows):
        return None
    return column_of(rows), sequences if len(rows) == len(sequences) else sequences.select(rows)


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
        named = pc.is_null(models) if label is None else pc.equal(models, texts_of([label])[0])
        rows = np.flatnonzero(numbers_of(named) & has_events)
        if len(rows):
            whole = len(rows) == len(sequences)
            yield column_of(rows), artifact, sequences if whole else sequences.select(rows)
