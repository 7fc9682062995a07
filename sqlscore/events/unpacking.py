"""Reading what `packing` wrote: texts of groups of events -> sequences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.arrays import Ints
from sqlscore.columns import column_of, numbers_of
from sqlscore.errors import EventsError
from sqlscore.events.mapping import Mapping
from sqlscore.events.packing import END, FIELD, SEP, USER, field_of
from sqlscore.events.reading import in_time_order
from sqlscore.events.sequences import Sequences, newest_each

_NOT_PACKED = "these are not events as the row functions collect them: call those with a row, churn_risk(e)"

_ZERO = ord("0")
_TYPES = {
    "i": pa.int64(),
    "f": pa.float32(),
    "g": pa.float64(),
    "b": pa.bool_(),
    "t": pa.string(),
}  # of "d" the digits say how many there are behind the point


def is_packed(kind: pa.DataType) -> bool:
    """Whether an argument of this Arrow type comes from `packed`."""
    return bool(pa.types.is_struct(kind) and kind.num_fields == 1 and kind.field(0).name.startswith(FIELD))


def unpack(column: pa.StructArray, mapping: Mapping) -> Sequences:
    """What `packed` made of N groups -> N sequences; NULL, which is no usable event, becomes an empty one.

    Raises EventsError if a group holds two users, if this is not what `packed` writes for this mapping, or if
    there is too much of it.
    """
    if column.type.field(0).name != field_of(mapping):
        raise EventsError(
            f'these functions read other columns than those mapped as "{mapping.name}": call those of an attached '
            "file over a connection to it, and end a transaction that is older than the mapping"
        )
    try:
        texts = column.field(0).cast(pa.string())
    except pa.ArrowInvalid as error:
        raise EventsError(
            "the events of so many groups or frames are more than 2 GB at once: give OVER a limit (ROWS 50 PRECEDING), "
            "or use score_history or refresh"
        ) from error
    bounds = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[bounds[0] : bounds[-1]]
    bounds = bounds - bounds[0]
    n_values = len(mapping.columns) - 1 + (mapping.group is not None)  # all but the time
    fields = _cut(data, n_values) or _cut_by_length(data, n_values)
    offsets = np.searchsorted(fields.ends, bounds, side="right")
    if not np.array_equal(np.append(0, fields.ends)[offsets], bounds):
        raise EventsError(_NOT_PACKED)
    try:
        times = numbers_of(fields.text(0).cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise EventsError(_NOT_PACKED) from error
    actions, users, *rest = (fields.text(1 + n_values + i) for i in range(n_values))
    newest = numbers_of(rest.pop().cast(pa.int64())) if mapping.group is not None else None
    extras = {name: _typed(name, values) for name, values in zip(mapping.extras, rest, strict=True)}
    found = in_time_order(actions, times, users, extras, offsets, mapping)
    return found if newest is None else replace(found, high_water=newest_each(newest, offsets))


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
        return self._pieces.take(column_of(np.arange(2 * field, 2 * width * size, 2 * width)))

    def require_text(self) -> None:
        """Raises EventsError if a field is no whole text."""
        try:
            self._pieces.validate(full=True)
        except pa.ArrowInvalid as error:
            raise EventsError(_NOT_PACKED) from error

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
    """Cut at every mark; None if a value holds one too, which its length then gives away."""
    marks = np.flatnonzero((data | 1) == SEP)  # END is SEP - 1
    width = 1 + 2 * n_values
    if marks.size % width:
        return None
    fields = _Fields(data, marks.reshape(-1, width))
    for value in range(n_values):
        if value == USER and not fields.length(1 + value).any():
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
            mark = text.find(SEP, at)
            if mark < 0:
                raise EventsError(_NOT_PACKED)
            sizes.append(text[at:mark])
            marks.append(mark)
            at = mark + 1
        for value, size in enumerate(sizes[1:]):
            if value == USER and not size:
                end = min((mark for mark in (text.find(SEP, at), text.find(END, at)) if mark >= 0), default=len(text))
            else:
                end = at + int(size) if size.isdigit() and len(size) < 11 else len(text)
            if end >= len(text):
                raise EventsError(_NOT_PACKED)
            marks.append(end)
            at = end + 1
    fields = _Fields(data, np.array(marks, np.int64).reshape(-1, 1 + 2 * n_values))
    fields.require_text()  # at a mark no character is cut in two, at a length one may be
    return fields


def _typed(name: str, column: pa.Array) -> pa.Array:
    """A feature's values: a letter and a text each, of one letter; an empty one is NULL."""
    given = pc.greater(pc.binary_length(column), 0)
    values = pc.if_else(given, column, pa.scalar(None, pa.string()))
    if values.null_count == len(values):
        return pa.nulls(len(column))
    first = values.drop_null()[0].as_py()
    texts = pc.utf8_slice_codeunits(values, 1)
    if first[0] == "d":
        try:
            return texts.cast(pa.decimal128(38, len(first.partition(".")[2])))
        except pa.ArrowInvalid as error:
            raise EventsError(
                f'events column "{name}" holds a number of more than 38 digits: cast it to DOUBLE'
            ) from error
    try:
        return texts.cast(_TYPES[first[0]])
    except (KeyError, pa.ArrowInvalid) as error:
        raise EventsError(_NOT_PACKED) from error
