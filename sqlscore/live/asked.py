"""A request for scores, read and checked: what it asks, of which sequences."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.events.type_names import sql_name
from sqlscore.live.calls import Call, key_of, read_calls
from sqlscore.live.limits import Limits
from sqlscore.live.refusals import Refusal, wrong
from sqlscore.live.shapes import Shape, utc

OF_SEQUENCE = ("id", "events", "as_of")
OF_DOCUMENT = ("sequences", "functions", "model", "mapping", "as_of")
_TIME = pa.timestamp("us")


@dataclass(frozen=True)
class Asked:
    """N sequences and the functions that are to be called on them.

    Attributes:
        key: alike for requests that can be scored together.
        mapping: the name of the mapping.
        model: None for its champion.
        calls: the functions.
        events: N lists of structs or of texts, as Arrow; or N times where a sequence is and its events, as values of
            JSON, which become Arrow together with those of other requests.
        as_of: (N,) TIMESTAMP, the moment of each score; NULL for the newest event of the mapped table.
        ids: (N,) what the client calls the sequences; None if it does not.
        n_events: how many events there are in all.
        shape: which fields an event has, where the events are JSON's values.
    """

    key: Hashable
    mapping: str
    model: str | None
    calls: tuple[Call, ...]
    events: pa.Array | list[tuple[str, list[Any]]]
    as_of: pa.Array
    ids: pa.Array | list[Any] | None
    n_events: int
    shape: Shape | None = None

    def __len__(self) -> int:
        return len(self.events)

    @staticmethod
    def joined(group: Sequence[Asked]) -> pa.Array:
        """The lists of several requests with one key. Raises Refusal where JSON's values are no events."""
        shape = group[0].shape
        if shape is not None:
            return shape.lists(list(chain.from_iterable(asked.events for asked in group)))
        if not isinstance(group[0].events, list):
            return together([asked.events for asked in group])
        sequences = [sequence for asked in group for _, sequence in asked.events]
        return pa.array(sequences, pa.list_(pa.string()))


def wants_json(asked: Asked) -> bool:
    """Whether the answer is JSON, as the request was."""
    return isinstance(asked.events, list)


@dataclass(frozen=True)
class Head:
    """What a request says once for all of its sequences."""

    mapping: str
    model: str | None
    calls: tuple[Call, ...]
    as_of: str | None

    @classmethod
    def of(cls, given: Dict[str, Any]) -> Head:
        """The head of a document, or of the options in an address. Raises Refusal."""
        mapping, model = given.get("mapping", DEFAULT_MAPPING), given.get("model")
        if not isinstance(mapping, str):
            raise wrong("mapping", mapping, "write the name of a mapping as text")
        if model is not None and not isinstance(model, str):
            raise wrong("model", model, 'write "name@version" or "name", or leave it out for the champion')
        return cls(mapping, model, read_calls(given.get("functions")), given.get("as_of"))

    def asked(self, events: pa.Array, as_of: pa.Array, ids: pa.Array | None) -> Asked:
        """A whole request in Arrow."""
        key = (self.mapping, self.model, key_of(self.calls), str(events.type))
        n_events = int(pc.sum(pc.list_value_length(events)).as_py() or 0)
        return Asked(key, self.mapping, self.model, self.calls, events, as_of, ids, n_events)


def document_of(body: bytes) -> dict[str, Any]:
    """The object that a body of JSON holds. Raises Refusal."""
    try:
        document = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(
            422, "", f'the body is not JSON ({error}): send an object such as {{"sequences": [{{"events": [...]}}]}}'
        ) from error
    if not isinstance(document, dict):
        raise wrong("the body", document, 'send an object such as {"sequences": [{"events": [...]}]}')
    if "events" in document and "sequences" not in document:
        one = {name: document.pop(name) for name in OF_SEQUENCE if name in document}
        document["sequences"] = [one]
    for name in document:
        if name not in OF_DOCUMENT:
            raise wrong(name, document[name], f"there is no such field; a request has {', '.join(OF_DOCUMENT)}")
    return document


def from_document(document: Dict[str, Any], head: Head, shape: Shape, limits: Limits) -> Asked:
    """The request in a document of JSON. Raises Refusal."""
    sequences = document.get("sequences")
    if not isinstance(sequences, list) or not sequences:
        raise wrong("sequences", sequences, 'write a list of objects, such as [{"events": [...]}]')
    _refuse_many("sequences", len(sequences), limits.sequences)
    given, moments, ids = [], [], []
    for number, sequence in enumerate(sequences):
        place = f"sequences[{number}]"
        if not isinstance(sequence, dict) or not isinstance(sequence.get("events"), list):
            raise wrong(place, sequence, 'write {"events": [...]}, with "id" and "as_of" where they are needed')
        for name in sequence:
            if name not in OF_SEQUENCE:
                raise wrong(f"{place}.{name}", sequence[name], f"a sequence has {', '.join(OF_SEQUENCE)}")
        given.append((place, sequence["events"]))
        moments.append(_moment(sequence.get("as_of", head.as_of), f"{place}.as_of" if "as_of" in sequence else "as_of"))
        ids.append(sequence.get("id"))
    n_events = sum(len(events) for _, events in given)
    _refuse_many("events", n_events, limits.events)
    first = next((events[0] for _, events in given if events), None)
    if isinstance(first, str):
        _refuse_mixed(given)
    shaped = None if isinstance(first, str) else shape
    named = ids if any("id" in sequence for sequence in sequences) else None
    key = (head.mapping, head.model, key_of(head.calls), shaped)
    return Asked(key, head.mapping, head.model, head.calls, given, pa.array(moments, _TIME), named, n_events, shaped)


def from_arrow(body: bytes, head: Head, limits: Limits) -> Asked:
    """The request in a stream of Arrow IPC, one row a sequence: `events`, perhaps `id`, `as_of`. Raises Refusal."""
    try:
        with pa.ipc.open_stream(body) as reader:
            table = reader.read_all().combine_chunks()
        table.validate(full=True)
        _require_names(table.schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refusal(
            422, "", f"the body is no stream of Arrow IPC ({error}): write it with pyarrow.ipc.new_stream, uncompressed"
        ) from error
    if "events" not in table.column_names:
        raise Refusal(
            422,
            "events",
            f"the table has the columns {', '.join(table.column_names) or '(none)'}: it needs events, a list a row",
        )
    if not len(table):
        raise Refusal(422, "events", "the table has no row: send one row a sequence")
    _refuse_many("sequences", len(table), limits.sequences)
    events = _one(table.column("events"))
    if pa.types.is_null(events.type) or pa.types.is_large_list(events.type):
        element = pa.string() if pa.types.is_null(events.type) else events.type.value_type
        events = events.cast(pa.list_(element))
    if not pa.types.is_list(events.type):
        raise Refusal(
            422, "events", f"the column events has type {sql_name(events.type)}: it must be a list of structs or texts"
        )
    default = _moment(head.as_of, "as_of")
    as_of = pa.array([default] * len(table), _TIME)
    if "as_of" in table.column_names:
        as_of = pc.coalesce(_times(_one(table.column("as_of"))), as_of)
    asked = head.asked(events, as_of, _one(table.column("id")) if "id" in table.column_names else None)
    _refuse_many("events", asked.n_events, limits.events)
    return asked


def _require_names(of: pa.Schema | pa.DataType) -> None:
    """Raises UnicodeDecodeError, which is a ValueError, if the name of a field is no text."""
    for field in of if isinstance(of, pa.Schema) else [of.field(i) for i in range(of.num_fields)]:
        if field.name is not None:
            _require_names(field.type)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _times(column: pa.Array) -> pa.Array:
    kind = column.type
    try:
        if pa.types.is_timestamp(kind):
            return column.cast(pa.timestamp("us", kind.tz), safe=False).view(pa.int64()).view(_TIME)
        if pa.types.is_string(kind) or pa.types.is_null(kind):
            return pa.array([_moment(text, "as_of") for text in column.to_pylist()], _TIME)
        return column.cast(_TIME)
    except pa.ArrowException as error:
        raise Refusal(
            422,
            "as_of",
            f"the column as_of has type {sql_name(kind)}: it must be TIMESTAMP, TIMESTAMPTZ, DATE or ISO text",
        ) from error


def _moment(given: Any, place: str) -> Any:
    try:
        return None if given is None else utc(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise wrong(place, given, 'write it as "2024-01-31T12:00:00", UTC if it has no zone') from error


def together(arrays: list[pa.Array]) -> pa.Array:
    """Arrays of one type as one."""
    return arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)


def _refuse_mixed(given: list[tuple[str, list[Any]]]) -> None:
    """Refuse sequences of plain actions that hold something else."""
    for place, sequence in given:
        for at, action in enumerate(sequence):
            if not isinstance(action, str):
                raise wrong(f"{place}.events[{at}]", action, "the first event is an action as text: write all so")


def _refuse_many(what: str, found: int, most: int) -> None:
    if found > most:
        raise Refusal(422, what, f"the request has {found:,} {what}, at most {most:,} are taken: send it in parts")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")
