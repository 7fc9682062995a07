"""Arrow columns and lists of events -> sequences: valid events only, one user each, in time order.

Both ways of scoring go through here: lists that SQL functions receive, and runs cut from a sorted scan.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.columns import column_of, is_valid, numbers_of, texts_of
from sqlscore.errors import EventsError
from sqlscore.events.kinds import is_text
from sqlscore.events.mapping import CANONICAL, HIGH_WATER, NO_TIME, Mapping
from sqlscore.events.ordering import time_order
from sqlscore.events.sequences import Sequences, newest_each, offsets_of
from sqlscore.events.times_in_arrow import to_microseconds
from sqlscore.events.type_names import sql_name


def from_lists(lists: pa.Array, mapping: Mapping) -> Sequences:
    """The argument of a SQL function -> sequences; NULL and empty lists become empty sequences.

    Args:
        lists: `LIST(STRUCT)` whose fields have the names of the mapping's columns, extra ones ignored; or
            `LIST(VARCHAR)` of actions in time order.
        mapping: what the columns are called, and how times are read.

    Raises:
        EventsError: if a field is missing or of the wrong type, or if a list holds two users.
    """
    if pa.types.is_null(lists.type):
        lists = lists.cast(pa.list_(pa.string()))
    if not (pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)):
        if not pa.types.is_fixed_size_list(lists.type):
            raise EventsError(
                f"expected a list of events, found {sql_name(lists.type)}: pass list(e) over the events table e, "
                "or a VARCHAR[] of actions in time order"
            )
        lists = lists.cast(pa.list_(lists.type.value_type))
    lengths = numbers_of(pc.list_value_length(lists))
    offsets = offsets_of(lengths)
    values = lists.flatten()
    element = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if is_text(element) or pa.types.is_null(element):
        if pa.types.is_null(element):
            values = values.cast(pa.string())
        return _of_actions(values, offsets, mapping)
    if not pa.types.is_struct(values.type):
        raise EventsError(
            f"expected a list of structs or of actions (VARCHAR), found a list of {sql_name(values.type)}: "
            f"pass list(e) over a table with the columns {_names(mapping.columns[1:3])}"
        )
    names = [values.type.field(i).name for i in range(values.type.num_fields)]
    columns = dict(zip(names, values.flatten(), strict=True))
    return from_columns(columns, offsets, mapping)


def from_columns(columns: Dict[str, pa.Array], offsets: Ints, mapping: Mapping) -> Sequences:
    """Columns of events, usable or not -> sequences.

    Events without action or time, without user if users are given, past the mapping's cap, or of an action that the
    mapping leaves out are left out; the others are put in order as `in_time_order` says.

    Args:
        columns: columns (T,) by the user's names.
        offsets: int64 (N + 1,), where each sequence begins.
        mapping: what the columns are called, and how times are read.

    Raises:
        EventsError: if a column is missing or of the wrong type, or if a sequence holds two users.
    """
    mapped = _match(columns, mapping)
    actions = _text(mapped[mapping.event_type], mapping.event_type)
    times, kept = to_microseconds(mapped[mapping.event_time], mapping)
    if actions.null_count:
        kept &= is_valid(actions)
    users = mapped.get(mapping.user_id)
    if users is not None and users.null_count:
        kept &= is_valid(users)
    if mapping.exclude_types:
        kept &= ~_excluded(actions, mapping)
    extras = {name: mapped[name] for name in mapping.extras if name in mapped}
    newest = _high_water(columns) if mapping.group is not None else None
    if not kept.all():
        keep = column_of(kept)
        offsets = np.append(0, np.cumsum(kept))[offsets]
        actions, times = actions.filter(keep), times[kept]
        users = users.filter(keep) if users is not None else None
        extras = {name: column.filter(keep) for name, column in extras.items()}
        newest = newest[kept] if newest is not None else None
    found = in_time_order(actions, times, users, extras, offsets, mapping)
    return found if newest is None else replace(found, high_water=newest_each(newest, offsets))


def _high_water(columns: Dict[str, pa.Array]) -> Ints | None:
    """(T,) the column HIGH_WATER, which `sqlscore.events` has where events have groups; None without it."""
    column = next((column for name, column in columns.items() if name.casefold() == HIGH_WATER), None)
    if column is None or not pa.types.is_timestamp(column.type):
        return None
    return numbers_of(column.cast(pa.timestamp("us")).view(pa.int64()), NO_TIME)


def in_time_order(
    actions: pa.Array,
    times: Ints,
    users: pa.Array | None,
    extras: dict[str, pa.Array],
    offsets: Ints,
    mapping: Mapping,
) -> Sequences:
    """Columns of usable events -> sequences in order of time.

    Ties in time are broken by the columns of `mapping.order`, then by the action as text in binary order, then by the
    features in their order.

    Args:
        actions: (T,) text.
        times: int64 (T,), µs since 1970 UTC.
        users: (T,) whose event each is; None if nothing says so.
        extras: columns (T,) by the user's names: features, and all of `mapping.order`.
        offsets: int64 (N + 1,), where each sequence begins.
        mapping: what the columns are called.

    Raises:
        EventsError: if a sequence holds two users.
    """
    if users is not None:
        _refuse_two_users(users, offsets, mapping)
    features = {f.name: extras[f.name] for f in mapping.features if f.name in extras}
    order = time_order(times, offsets, [*(extras[name] for name in mapping.order), actions, *features.values()])
    if order is not None:
        indices = column_of(order)
        actions, times = actions.take(indices), times[order]
        features = {name: column.take(indices) for name, column in features.items()}
    return Sequences(actions, times, offsets, features)


def _of_actions(actions: pa.Array, offsets: Ints, mapping: Mapping) -> Sequences:
    """Plain lists of actions, already in order: NULL actions, and those that the mapping leaves out, are left out."""
    if actions.null_count or mapping.exclude_types:
        kept = is_valid(actions) & ~_excluded(actions, mapping)
        offsets = np.append(0, np.cumsum(kept))[offsets]
        actions = actions.filter(column_of(kept))
    return Sequences(_text(actions, "action"), np.full(len(actions), NO_TIME, np.int64), offsets, {}, plain=True)


def _match(columns: Dict[str, pa.Array], mapping: Mapping) -> dict[str, pa.Array]:
    """Columns under the mapping's spelling; SQL names ignore case, so this does too.

    The canonical names stand in for the user's own if those are missing: `sqlscore.events` has them.
    """
    folded = {name.casefold(): column for name, column in columns.items()}
    canonical = dict(zip((mapping.user_id, mapping.event_time, mapping.event_type), CANONICAL, strict=True))
    matched = {}
    for name in mapping.columns:
        column = folded.get(name.casefold(), folded.get(canonical.get(name, name)))
        if column is not None:
            matched[name] = column
    for name in (mapping.event_time, mapping.event_type, *mapping.order):
        if name not in matched:
            raise EventsError(
                f'events column "{name}" is missing: the events have {_names(columns)}, and the mapping '
                f'"{mapping.name}" reads {_names(mapping.columns)}; rename the column in a subquery'
            )
    return matched


def _text(column: pa.Array, name: str) -> pa.Array:
    """A category column as Arrow strings or a dictionary of strings."""
    kind = column.type
    if pa.types.is_dictionary(kind) and is_text(kind.value_type):
        return column
    if pa.types.is_string(kind):
        return column
    if is_text(kind) or pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    raise EventsError(f'events column "{name}" has type {sql_name(kind)}, expected VARCHAR or ENUM: cast it to VARCHAR')


def _excluded(actions: pa.Array, mapping: Mapping) -> npt.NDArray[np.bool_]:
    """(T,) whether the mapping leaves this action out."""
    texts = actions.cast(pa.string()) if pa.types.is_dictionary(actions.type) else actions
    left_out = texts_of(mapping.exclude_types).cast(texts.type)
    return numbers_of(pc.is_in(texts, value_set=left_out))


def _refuse_two_users(users: pa.Array, offsets: Ints, mapping: Mapping) -> None:
    if len(users) < 2:
        return
    differs = numbers_of(pc.not_equal(users[1:], users[:-1]))
    starts = offsets[1:-1]
    differs[starts[(starts > 0) & (starts < len(users))] - 1] = False
    if differs.any():
        at = int(np.flatnonzero(differs)[0])
        raise EventsError(
            f'events of two users in one group ("{mapping.user_id}" = {_shown(users[at])} and '
            f'{_shown(users[at + 1])}): add GROUP BY "{mapping.user_id}" (in OVER: PARTITION BY "{mapping.user_id}")'
        )


def _shown(user: pa.Scalar) -> str:
    """As Python writes it; a time beyond Python's years as the number that it is."""
    try:
        return repr(user.as_py())
    except OverflowError:
        return repr(user.cast(pa.int64()).as_py())


def _names(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
