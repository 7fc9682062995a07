"""A group's events as one text: what the row functions aggregate, and back to sequences.

`list(struct)` is the engine's most expensive way to collect a group's rows; one `string_agg` of each row as text costs
half in GROUP BY and a fifth in OVER, and is still a single aggregate, which is what a macro in OVER may hold.

An event is written as

    time SEP  length SEP ...  value SEP ...  value END

with the time in µs since 1970 (UTC), then the length in bytes of every value, then the values: action, user, and for
each feature a letter for its type followed by its text, or nothing where it is NULL. SEP and END may occur in a value:
the lengths say so, and such texts are read event by event. A user who is a whole number has none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.epoch import microseconds_of_any
from sqlscore.errors import EventsError
from sqlscore.events import Mapping
from sqlscore.quoting import identifier, literal
from sqlscore.sequences import Ints, Sequences, in_time_order

FIELD = "open_this_file_with_sqlscore_connect__packed"
"""The field of the struct that carries the text, so that no VARCHAR of the user's own is taken for one."""

_END, _SEP, _ZERO = 0x1E, 0x1F, ord("0")
_USER = 1  # which of the values

_NOT_PACKED = "these are not events as the row functions collect them: call those with a row, churn_risk(e)"

_WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_ACTIONS = ("VARCHAR", "JSON", "UUID", "BOOLEAN", '"NULL"', *_WHOLE_NUMBERS)
_LETTERS = {
    "i": "{0} IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER')",
    "d": "{0} IN ('UBIGINT', 'HUGEINT', 'UHUGEINT') OR {0} LIKE 'DECIMAL(%'",
    "f": "{0} = 'FLOAT'",
    "g": "{0} = 'DOUBLE'",
    "b": "{0} = 'BOOLEAN'",
}
_TYPES = {"i": pa.int64(), "f": pa.float32(), "g": pa.float64(), "b": pa.bool_(), "t": pa.string()}


def packed(mapping: Mapping, row: str = "e") -> str:
    """SQL: the aggregate over rows called `row`, which have the mapping's columns. Unusable events are left out.

    The query raises EventsError's text where the time or the action has a type that is none of one.
    """
    user, time, action, *features = (f"{row}.{identifier(name)}" for name in mapping.columns)
    moment = microseconds_of_any(time, mapping.time_unit, _wrong_time(mapping, time))
    usable = f"{action} IS NOT NULL AND {user} IS NOT NULL"
    if mapping.time_cap is not None:
        usable += f" AND {moment} <= {int(mapping.time_cap)}"
    values = [_checked(mapping, action), _text(user), *(_lettered(feature) for feature in features)]
    lengths = [f"strlen({_text(action)})", _length_of_user(user)]
    lengths += [f"coalesce(1 + strlen({_text(feature)}), 0)" for feature in features]
    separator = f"chr({_SEP})"
    rest = f", {separator}, ".join([*lengths, *values])
    # || is NULL for an infinite time; concat would not be, and does the rest in one pass
    text = f"CASE WHEN {usable} THEN {_text(moment)} || concat({separator}, {rest}, chr({_END})) END"
    return f"struct_pack({identifier(FIELD)} := string_agg({text}, ''))"


def is_packed(kind: pa.DataType) -> bool:
    """Whether an argument of this Arrow type comes from `packed`."""
    return bool(pa.types.is_struct(kind) and kind.num_fields == 1 and kind.field(0).name == FIELD)


def unpack(column: pa.StructArray, mapping: Mapping) -> Sequences:
    """What `packed` made of N groups -> N sequences; NULL, which is no usable event, becomes an empty one.

    Raises EventsError where a group holds two users, or where this is not what `packed` writes.
    """
    texts = column.field(0).cast(pa.string())
    bounds = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[bounds[0] : bounds[-1]]
    bounds = bounds - bounds[0]
    n_values = len(mapping.columns) - 1  # all but the time
    fields = _cut(data, n_values) or _cut_by_length(data, n_values)
    offsets = np.searchsorted(fields.ends, bounds, side="right")
    if not np.array_equal(np.append(0, fields.ends)[offsets], bounds):
        raise EventsError(_NOT_PACKED)
    times = fields.text(0).cast(pa.int64()).to_numpy()
    actions, users, *rest = (fields.text(1 + n_values + i) for i in range(n_values))
    features = {feature.name: _typed(values) for feature, values in zip(mapping.features, rest, strict=True)}
    return in_time_order(actions, times, users, features, offsets, mapping)


class _Fields:
    """T events cut into fields: field f of event t ends before byte `marks[t, f]` and starts after the mark before."""

    def __init__(self, data: npt.NDArray[np.uint8], marks: Ints) -> None:
        self._data = data
        self._marks = marks
        cuts = np.zeros(2 * marks.size + 1, np.int32)  # a field ends, its mark ends, the next field ends, ...
        cuts[1::2] = marks.reshape(-1)
        np.add(cuts[1::2], 1, out=cuts[2::2])
        self._pieces = pa.StringArray.from_buffers(2 * marks.size, pa.py_buffer(cuts), pa.py_buffer(data))

    @property
    def ends(self) -> Ints:
        """(T,) where each event ends, its mark included."""
        return self._marks[:, -1] + 1

    def text(self, field: int) -> pa.Array:
        """(T,) this field of every event."""
        size, width = self._marks.shape
        return self._pieces.take(pa.array(np.arange(2 * field, 2 * width * size, 2 * width)))

    def length(self, field: int) -> Ints:
        """(T,) bytes of this field, which is not the first."""
        return np.asarray(self._marks[:, field] - self._marks[:, field - 1] - 1)

    def states(self, field: int, numbers: Ints) -> bool:
        """Whether this field, which is not the first, says just these numbers, in digits without a zero in front."""
        last, size = self._marks[:, field] - 1, self.length(field)
        left, at = numbers, 0
        while True:  # the last digit of all, then the one before of those that have another
            tens = left // 10
            if (self._data[last - at] != left - 10 * tens + _ZERO).any():
                return False
            at += 1
            if not tens.any():
                return bool((size == at).all())
            more = tens > 0
            if (size[~more] != at).any():
                return False
            last, size, left = last[more], size[more], tens[more]


def _cut(data: npt.NDArray[np.uint8], n_values: int) -> _Fields | None:
    """Cut at every mark; None where a value holds one too, which its length then gives away."""
    marks = np.flatnonzero((data | 1) == _SEP)  # END is SEP - 1
    width = 1 + 2 * n_values
    if marks.size % width:
        return None
    fields = _Fields(data, marks.reshape(-1, width))
    for value in range(n_values):
        if value == _USER and not fields.length(1 + value).any():
            continue
        if not fields.states(1 + value, fields.length(1 + n_values + value)):
            return None
    return fields


def _cut_by_length(data: npt.NDArray[np.uint8], n_values: int) -> _Fields:
    """Event by event: the marks among the lengths are certain, those among the values follow from the lengths."""
    text, at, marks = data.tobytes(), 0, []
    while at < len(text):
        sizes = []
        for _ in range(1 + n_values):
            mark = text.find(_SEP, at)
            sizes.append(text[at:mark])
            marks.append(mark)
            at = mark + 1
        for value, size in enumerate(sizes[1:]):
            if value == _USER and size == b"":
                marks.append(min(mark for mark in (text.find(_SEP, at), text.find(_END, at), len(text)) if mark >= 0))
            else:
                marks.append(at + int(size) if size.isdigit() else len(text))
            at = marks[-1] + 1
    if at != len(text):
        raise EventsError(_NOT_PACKED)
    return _Fields(data, np.array(marks, np.int64).reshape(-1, 1 + 2 * n_values))


def _typed(column: pa.Array) -> pa.Array:
    """A feature's values: a letter and a text each, of one letter; an empty one is NULL."""
    given = pc.greater(pc.binary_length(column), 0)
    values = pc.if_else(given, column, pa.scalar(None, pa.string()))
    if values.null_count == len(values):
        return pa.nulls(len(column))
    first = values.drop_null()[0].as_py()
    texts = pc.utf8_slice_codeunits(values, 1)
    if first[0] == "d":
        return texts.cast(pa.decimal128(38, len(first.partition(".")[2])))
    return texts.cast(_TYPES[first[0]])


def _text(column: str) -> str:
    return f"CAST({column} AS VARCHAR)"


def _length_of_user(user: str) -> str:
    """SQL: the length of the user's text, '' for whole numbers, in which no mark can be."""
    numbers = ", ".join(literal(kind) for kind in _WHOLE_NUMBERS)
    return f"CASE WHEN typeof({user}) IN ({numbers}) THEN '' ELSE CAST(strlen({_text(user)}) AS VARCHAR) END"


def _lettered(feature: str) -> str:
    """SQL: a feature as the letter of its type and its text, '' where it is NULL."""
    kind = f"typeof({feature})"
    letters = " ".join(f"WHEN {condition.format(kind)} THEN '{letter}'" for letter, condition in _LETTERS.items())
    return f"coalesce(CASE {letters} ELSE 't' END || {_text(feature)}, '')"


def _checked(mapping: Mapping, action: str) -> str:
    """SQL: the action as text, an error where its type is none of an action."""
    kinds = ", ".join(literal(kind) for kind in _ACTIONS)
    wrong = _wrong(mapping.event_type, action, "VARCHAR or ENUM", "cast it to VARCHAR in a view or subquery")
    known = f"typeof({action}) IN ({kinds}) OR typeof({action}) LIKE 'ENUM(%'"
    return f"CASE WHEN {known} THEN {_text(action)} ELSE {wrong} END"


def _wrong_time(mapping: Mapping, column: str) -> str:
    wanted = "an epoch number" if mapping.time_unit else "TIMESTAMP, TIMESTAMPTZ or DATE"
    return _wrong(mapping.event_time, column, wanted, "cast it to TIMESTAMP in a view or subquery")


def _wrong(name: str, column: str, wanted: str, remedy: str) -> str:
    """SQL that raises when the query is planned, since the engine knows the type by then."""
    found, rest = f'events column "{name}" has type ', f", expected {wanted}: {remedy}, or map the events again"
    return f"error({literal(found)} || typeof({column}) || {literal(rest)})"
