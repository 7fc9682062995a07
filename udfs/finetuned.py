"""Fine-tuned heads: what they say of a label, of the events up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Floats
from sqlscore.errors import EventsError, ModelError
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.label_artifact import FinetunedModel
from sqlscore.scoring.label_features import Table, label_features
from sqlscore.scoring.scores import refuse_future
from sqlscore.scoring.states import without_times
from sqlscore.scoring.states_in_arrow import times_array
from sqlscore.udfs.arguments import Column, constant, mapping_of, moments_of, newest_of, text
from sqlscore.udfs.columns import scatter
from sqlscore.udfs.encode import sequences_of
from sqlscore.udfs.next_time import lists_of_levels


def propensity(
    catalog: Catalog, lists: Column, label: Column, value: Column, as_of: Column, high_water: Column, mapping: Column
) -> pa.Array:
    """(lists, label, value, as_of, high_water, mapping) -> FLOAT in [0, 1]."""
    wanted = constant(value, "value")

    def answer(head: FinetunedModel, features: Table) -> pa.Array:
        return pa.array(head.head.probabilities(features)[:, column_of(head, wanted)].astype(np.float32))

    return _answers(catalog, lists, label, as_of, high_water, mapping, pa.float32(), answer)


def expected_value(
    catalog: Catalog, lists: Column, label: Column, as_of: Column, high_water: Column, mapping: Column
) -> pa.Array:
    """(lists, label, as_of, high_water, mapping) -> DOUBLE."""

    def answer(head: FinetunedModel, features: Table) -> pa.Array:
        return pa.array(head.head.expected(features))

    return _answers(catalog, lists, label, as_of, high_water, mapping, pa.float64(), answer)


def uplift(
    catalog: Catalog, lists: Column, label: Column, as_of: Column, high_water: Column, mapping: Column
) -> pa.Array:
    """(lists, label, as_of, high_water, mapping) -> FLOAT in [-1, 1]."""

    def answer(head: FinetunedModel, features: Table) -> pa.Array:
        return pa.array(head.head.uplift(features).astype(np.float32))

    return _answers(catalog, lists, label, as_of, high_water, mapping, pa.float32(), answer)


def value_quantiles(
    catalog: Catalog,
    lists: Column,
    label: Column,
    quantiles: Column,
    as_of: Column,
    high_water: Column,
    mapping: Column,
) -> pa.Array:
    """(lists, label, quantiles, as_of, high_water, mapping) -> DOUBLE[], in the order of the quantiles."""
    levels = _levels(quantiles)

    def answer(head: FinetunedModel, features: Table) -> pa.Array:
        found = head.head.quantiles(features, levels)
        offsets = pa.array(np.arange(len(found) + 1, dtype=np.int32) * len(levels))
        return pa.ListArray.from_arrays(offsets, pa.array(found.reshape(-1)))

    return _answers(catalog, lists, label, as_of, high_water, mapping, pa.list_(pa.float64()), answer)


def _levels(column: Column) -> Floats:
    """The quantiles, the same for the whole query."""
    lists = lists_of_levels(column)
    if not len(lists):
        return np.zeros(0)
    if lists.null_count or lists.flatten().null_count or any(one != lists[0] for one in lists):
        raise EventsError("quantiles must be one list without NULL for the whole query, as in [0.1, 0.5, 0.9]")
    return np.asarray(lists[0].values.to_numpy())


def column_of(model: FinetunedModel, value: object) -> int:
    """The place of a value of the label: without one, that of true, or of more than 0.

    Raises ModelError if a label of classes has no value, or not that one.
    """
    head, name = model.head, model.name
    if head.kind != "classes":
        if value is None or value is True:
            return 1
        if value is False:
            return 0
        raise ModelError(f"value is {value!r}, and the label {name} is {head.kind}: leave value out")
    if value is None:
        raise ModelError(
            f"the label {name} has the values {', '.join(head.values)}: propensity needs one of them, "
            f"value := '{head.values[0]}'"
        )
    if str(value) not in head.values:
        raise ModelError(f"the label {name} has no value {value!r}: its values are {', '.join(head.values)}")
    return head.values.index(str(value))


def _answers(
    catalog: Catalog,
    lists: Column,
    label: Column,
    as_of: Column,
    high_water: Column,
    mapping: Column,
    kind: pa.DataType,
    answer: Callable[[FinetunedModel, Table], pa.Array],
) -> pa.Array:
    pieces = []
    for rows, head, features in _features(catalog, lists, label, as_of, high_water, mapping):
        pieces.append((rows, answer(head, features)))
    return scatter(pieces, len(lists), kind)


def _features(
    catalog: Catalog, lists: Column, label: Column, as_of: Column, high_water: Column, mapping: Column
) -> Iterator[tuple[pa.Array, FinetunedModel, Table]]:
    """(row numbers, the head, what it reads of them); rows without usable events appear in none."""
    if len(lists) == 0:
        return
    mapped = mapping_of(catalog, mapping)
    name = text(label, "label")
    if name is None:
        raise ModelError("label is NULL: name what sqlscore finetune learned")
    head = catalog.finetuned(name, mapped.name)
    artifact = catalog.base_of(head)
    found = sequences_of(lists, mapped)
    if found is None:
        return
    rows, sequences = found
    states, encoded = STATES.encode(artifact, sequences)
    catalog.count(encoded)
    if bool(without_times(states.clock).any()):
        raise EventsError(
            "a plain list of actions has no times, and a fine-tuned head reads them: pass structs that hold the event "
            "time"
        )
    moments = moments_of(rows, as_of, high_water, times_array(newest_of(sequences)), mapped)
    refuse_future(states.clock[:, 1], moments)
    yield rows, head, label_features(artifact, states, moments)
