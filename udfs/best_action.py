"""What if: candidate actions by what the model predicts after each. A prediction, which need not be a cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.errors import EventsError
from sqlscore.events.kinds import is_text
from sqlscore.events.mapping import NO_TIME
from sqlscore.events.sequences import offsets_of
from sqlscore.events.type_names import sql_name
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.cache.states import STATES
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.goals import occurs_within, sequences_to_extend
from sqlscore.scoring.ranking import action_codes
from sqlscore.scoring.rollout import LONGEST, advance, one_event
from sqlscore.scoring.scores import churn_probability, refuse_future, refuse_plain
from sqlscore.scoring.sql_types import CANDIDATES_ARROW
from sqlscore.scoring.states import without_times
from sqlscore.scoring.states_in_arrow import times_array
from sqlscore.udfs.arguments import Column, mapping_of, moments_of, newest_of, one_array, text, whole_number
from sqlscore.udfs.columns import scatter
from sqlscore.udfs.encode import sequences_by_model

Floats = npt.NDArray[np.floating[Any]]


def best_action(
    catalog: Catalog,
    lists: Column,
    candidates: Column,
    goal: Column,
    n: Column,
    as_of: Column,
    high_water: Column,
    model: Column,
    mapping: Column,
) -> pa.Array:
    """Candidate actions by what the model predicts after each, best first.

    Each candidate is taken to happen at as_of, with unknown features. Without a goal: the churn risk then, lowest
    first; with one: the probability of the goal within the n actions that follow, highest first. The difference is
    to the prediction without the candidate.

    Args:
        catalog: of the open database.
        lists: (N,) events.
        candidates: (N,) lists of actions.
        goal: the action to reach; NULL asks for a low churn risk.
        n: within how many actions the goal is to be reached.
        as_of: (N,) the moment of the candidate.
        high_water: (N,) the newest time of the mapped table, which stands in for a NULL as_of.
        model: (N,) names; NULL for the champion.
        mapping: the name of the mapping of the events.

    Returns:
        (N,) CANDIDATES_ARROW; NULL if there are no events, or if candidates is NULL.
    """
    wanted = text(goal, "goal")
    steps = whole_number(n, "n", default=5, most=LONGEST)
    asked = _lists_of_actions(candidates)
    pieces = []
    for rows, artifact, sequences in sequences_by_model(catalog, lists, model, mapping):
        artifact.require("churn" if wanted is None else "next_action")
        states, encoded = STATES.encode(artifact, sequences)
        timed = not bool(without_times(states.clock).any())
        if wanted is None:
            refuse_plain(states)
        at = np.full(len(states), NO_TIME)
        if timed:
            newest = times_array(newest_of(sequences))
            at = moments_of(rows, as_of, high_water, newest, mapping_of(catalog, mapping))
            refuse_future(states.clock[:, 1], at)
        given = asked.take(rows)
        of, actions = _each(artifact, given)
        catalog.count(encoded + len(of))
        sequences = artifact.events_read(sequences)
        event = one_event(sequences, actions, at[of])
        longer, after = advance(artifact, sequences_to_extend(artifact, sequences, of), states.take(of), event)
        now: Floats
        then: Floats
        if wanted is None:
            now, then = churn_probability(artifact, states, at), churn_probability(artifact, after, at[of])
        else:
            code = action_codes(artifact, pa.array([wanted]))[0].as_py()
            now = occurs_within(artifact, sequences, states, code, steps)
            then = occurs_within(artifact, longer, after, code, steps)
        pieces.append((rows, _ranked(given, of, actions, then, then - now[of], highest=wanted is not None)))
    return scatter(pieces, len(lists), CANDIDATES_ARROW)


def _lists_of_actions(candidates: Column) -> pa.Array:
    """The parameter as LIST<VARCHAR>."""
    given = one_array(candidates)
    kind = given.type
    if pa.types.is_null(kind):
        return given.cast(pa.list_(pa.string()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        element = kind.value_type.value_type if pa.types.is_dictionary(kind.value_type) else kind.value_type
        if is_text(element) or pa.types.is_null(element):
            return given.cast(pa.list_(kind.value_type)).cast(pa.list_(pa.string()))
    raise EventsError(
        f"candidates has type {sql_name(kind)}, expected VARCHAR[]: pass a list of actions, as in ['view', 'buy']"
    )


def _each(artifact: Artifact, given: pa.ListArray) -> tuple[Ints, pa.Array]:
    """(whose, which action) of every candidate that is not NULL."""
    of, actions = pc.list_parent_indices(given), pc.list_flatten(given)
    if actions.null_count:
        of, actions = of.filter(actions.is_valid()), actions.drop_null()
    action_codes(artifact, actions)
    return of.to_numpy().astype(np.int64), actions


def _ranked(
    given: pa.ListArray, of: Ints, actions: pa.Array, predicted: Floats, difference: Floats, *, highest: bool
) -> pa.ListArray:
    """(N,) lists of candidates, best first, of equally good ones in the order in which they were given."""
    order = np.lexsort((np.arange(len(of)), -predicted if highest else predicted, of))
    columns = [
        actions.take(pa.array(order)),
        pa.array(predicted[order].astype(np.float32)),
        pa.array(difference[order].astype(np.float32)),
    ]
    values = pa.StructArray.from_arrays(columns, fields=list(CANDIDATES_ARROW.value_type))
    offsets = pa.array(offsets_of(np.bincount(of, minlength=len(given))).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, values, mask=given.is_null())
