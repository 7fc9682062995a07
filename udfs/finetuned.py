"""Fine-tuned heads: what they say of a label, of the events up to a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Floats, Ints
from sqlscore.errors import EventsError, ModelError
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.label_artifact import FinetunedModel
from sqlscore.scoring.label_features import Table, label_features
from sqlscore.scoring.scores import refuse_future
from sqlscore.scoring.states import States, without_times
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
    found = asked_of(catalog, lists, label, as_of, high_water, mapping)
    if found is None:
        return pa.nulls(len(lists), kind)
    features = label_features(found.base, found.states, found.as_of)
    return scatter([(found.rows, answer(found.model, features))], len(lists), kind)


@dataclass(frozen=True)
class Asked:
    """A head, and M users of whom it is asked. rows: (M,) their numbers. as_of: int64 (M,), µs."""

    rows: pa.Array
    model: FinetunedModel
    base: Artifact
    sequences: Sequences
    states: States
    as_of: Ints


def asked_of(
    catalog: Catalog, lists: Column, label: Column, as_of: Column, high_water: Column, mapping: Column
) -> Asked | None:
    """What is asked, of the rows that have usable events; None if no row has.

    Raises ModelError if there is no such label, EventsError if events have no times or are later than as_of.
    """
    if len(lists) == 0:
        return None
    mapped = mapping_of(catalog, mapping)
    name = text(label, "label")
    if name is None:
        raise ModelError("label is NULL: name what sqlscore finetune learned")
    model = catalog.finetuned(name, mapped.name)
    base = catalog.base_of(model)
    found = sequences_of(lists, mapped)
    if found is None:
        return None
    rows, sequences = found
    states, encoded = STATES.encode(base, sequences)
    catalog.count(encoded)
    if bool(without_times(states.clock).any()):
        raise EventsError(
            "a plain list of actions has no times, and a fine-tuned head reads them: pass structs that hold the event "
            "time"
        )
    moments = moments_of(rows, as_of, high_water, times_array(newest_of(sequences)), mapped)
    refuse_future(states.clock[:, 1], moments)
    return Asked(rows, model, base, sequences, states, moments)
