"""Which fields an event of a mapping has, and JSON's values as columns of their types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate, chain, pairwise
from typing import Any

import pyarrow as pa

from sqlscore.events.mapping import CANONICAL, HIGH_WATER, Mapping
from sqlscore.live.refusals import Refusal, wrong

_USER, _TIME, _ACTION = CANONICAL
_WRITE = {
    "event_type": "write the action as text or a whole number",
    "event_time": 'write it as "2024-01-31T12:00:00", UTC if it has no zone, or as a number if the mapped times are',
}


@dataclass(frozen=True, eq=False)
class Shape:
    """The fields of a mapping's events.

    Attributes:
        mapping: the mapping.
        kinds: the type of each field but the user, by its name in `sqlscore.events`, in that order.
        names: the name in `sqlscore.events` by every name in small letters under which a field may come.
    """

    mapping: Mapping
    kinds: dict[str, pa.DataType]
    names: dict[str, str]

    @classmethod
    def of(cls, mapping: Mapping, schema: pa.Schema) -> Shape:
        """The fields of a mapping whose view `sqlscore.events` has this schema."""
        wanted = {_TIME, _ACTION, *mapping.extras, *((HIGH_WATER,) if mapping.group is not None else ())}
        folded = {name.casefold() for name in wanted}
        kinds = {f.name: _plain(f.type) for f in schema if f.name.casefold() in folded}
        names = {name.casefold(): name for name in (_USER, *kinds)}
        own = (mapping.user_id, mapping.event_time, mapping.event_type)
        for name, canonical in zip(own, CANONICAL, strict=True):
            names.setdefault(name.casefold(), canonical)
        return cls(mapping, kinds, names)

    def lists(self, given: Sequence[tuple[str, Sequence[Any]]]) -> pa.Array:
        """N lists of structs.

        Args:
            given: where in the request each sequence is, and its events.

        Raises Refusal where an event is no object, has a field that there is not, or a value of another type.
        """
        events = [event for _, sequence in given for event in sequence]
        offsets = [0, *accumulate(len(sequence) for _, sequence in given)]

        def place(at: int) -> str:
            number = next(n for n in range(len(given)) if offsets[n + 1] > at)
            return f"{given[number][0]}.events[{at - offsets[number]}]"

        if set(map(type, events)) - {dict}:
            for at, event in enumerate(events):
                if type(event) is dict:
                    continue
                expected = 'write each event as an object, such as {"event_time": "2024-01-31T12:00:00", '
                raise wrong(place(at), event, expected + '"event_type": "view"}')
        sent: dict[str, list[str]] = {}
        for name in dict.fromkeys(chain.from_iterable(events)):
            canonical = self.names.get(name.casefold())
            if canonical is None:
                at = next(at for at, event in enumerate(events) if name in event)
                fields = ", ".join(self.kinds)
                raise wrong(f"{place(at)}.{name}", events[at][name], f"there is no such field; events have {fields}")
            sent.setdefault(canonical, []).append(name)
        _refuse_two_users(events, offsets, sent.get(_USER, []), place)
        columns = {}
        for name, kind in self.kinds.items():
            values = _values(events, sent.get(name, []))
            columns[name] = pa.nulls(len(events), kind) if values is None else self._column(name, kind, values, place)
        for name in (_TIME, _ACTION):
            column = columns[name]
            if column.null_count:
                at = column.is_null().to_pylist().index(True)
                raise wrong(f"{place(at)}.{name}", None, f"every event needs it: {_WRITE[name]}")
        struct = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct)

    def _column(self, name: str, kind: pa.DataType, values: list[Any], place: Callable[[int], str]) -> pa.Array:
        try:
            if name == _TIME or pa.types.is_timestamp(kind):
                times = _moments(values)
                if times is not None:
                    return times
            if name == _TIME:
                return _numbers(values)
            if name == _ACTION and set(map(type, values)) - {str}:
                return pa.array([_action(value) for value in values], kind)
            if pa.types.is_decimal(kind):
                return _numbers(values).cast(kind)
            return pa.array(values, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if len(values) > 1:
                for at, value in enumerate(values):
                    self._column(name, kind, [value], partial(_moved, place, at))
            expected = _WRITE.get(name) or _words(kind)
            raise wrong(f"{place(0)}.{name}", values[0], expected) from error


def _action(value: Any) -> Any:
    """An action as `sqlscore.events` writes it: the table's own may be whole numbers or truth values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _moments(values: list[Any]) -> pa.Array | None:
    """ISO texts as TIMESTAMP; None if they are something else. Raises ValueError or TypeError if some are."""
    if not isinstance(next((value for value in values if value is not None), ""), str):
        return None
    texts = pa.array(values, pa.string())
    try:
        return texts.cast(pa.timestamp("us"))  # no zone, and a moment as it mostly is written: at once
    except pa.ArrowInvalid:
        return pa.array([None if value is None else utc(value) for value in values], pa.timestamp("us"))


def utc(text: str) -> datetime:
    """ISO text as a moment in UTC, without zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of values as they are sent: an ENUM's are texts."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _words(kind: pa.DataType) -> str:
    """How a value of this type is written."""
    if pa.types.is_boolean(kind):
        return "write true or false"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "write it as text"
    if pa.types.is_integer(kind):
        return "write it as a whole number"
    return f"write it as a number that fits {kind}" if not pa.types.is_temporal(kind) else _WRITE[_TIME]


def _numbers(values: list[Any]) -> pa.Array:
    if any(isinstance(value, bool) or not isinstance(value, (int, float, type(None))) for value in values):
        raise TypeError("no number")
    whole = all(isinstance(value, (int, type(None))) for value in values)
    return pa.array(values, pa.int64() if whole else pa.float64())


def _values(events: list[dict[str, Any]], names: list[str]) -> list[Any] | None:
    """The values of a field that was sent under these names; None if it was not sent."""
    if not names:
        return None
    if len(names) == 1:
        return [event.get(names[0]) for event in events]
    return [next((event[name] for name in names if event.get(name) is not None), None) for event in events]


def _refuse_two_users(
    events: list[dict[str, Any]], offsets: list[int], names: list[str], place: Callable[[int], str]
) -> None:
    users = _values(events, names)
    if users is None:
        return
    for start, stop in pairwise(offsets):
        for at in range(start + 1, stop):
            if users[at] != users[start]:
                raise Refusal(
                    422,
                    f"{place(at)}.{names[0]}",
                    f"{place(at)}.{names[0]} is {users[at]!r}, and the first event of the sequence is that of "
                    f"{users[start]!r}: send one sequence a user",
                )


def _moved(place: Callable[[int], str], at: int, _: int) -> str:
    """The place of the one value that is looked at alone."""
    return place(at)
