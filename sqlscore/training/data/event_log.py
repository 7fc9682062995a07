"""A mapped events table -> compact arrays, a batch at a time, with a bound on what is held."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar
from zlib import crc32

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.database.events_query import rows_of
from sqlscore.database.scan import scan
from sqlscore.errors import TrainingError
from sqlscore.events.kinds import sort_of
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.events.sequences import Sequences, offsets_of
from sqlscore.progress import Progress
from sqlscore.quoting import identifier
from sqlscore.scoring.encoding import to_float
from sqlscore.scoring.notes import Sample
from sqlscore.training.data.treatments import Treatments, read_treatments

_SHARES = 10_000  # users are sampled in ten-thousandths
Codes = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint32]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Column:
    """A category column: codes from 1 into `values`, 0 for NULL."""

    codes: Codes  # (T,)
    values: list[str]
    sort: str | None = None  # see `events.sort_of`


@dataclass(frozen=True)
class EventLog:
    """N users with T events in all: user i is `[offsets[i], offsets[i + 1])`, in time order."""

    actions: Column
    times: Ints  # (T,) µs
    offsets: Ints  # (N + 1,)
    categorical: dict[str, Column]
    numeric: dict[str, npt.NDArray[np.float32]]
    sample: Sample = field(default_factory=Sample)  # which of the mapped events these are
    ids: Hashes | None = None  # (N,) hashes of the users' ids; None: their numbers stand for them
    group: Column | None = None  # of each event, where the mapping has groups
    known_until: Ints | None = None  # (T,) µs: see `ends_of_groups`; None: all is known up to the newest event
    treatments: Treatments | None = None  # that churn labels are weighted by; None: they all count once

    @property
    def lengths(self) -> Ints:
        """(N,) events of every user."""
        return np.diff(self.offsets)

    @property
    def users(self) -> int:
        """N."""
        return len(self.offsets) - 1

    @property
    def rows(self) -> Ints:
        """(T,) the user of every event."""
        return np.repeat(np.arange(self.users), self.lengths)


def read_log(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    max_events: int,
    max_user_events: int,
    progress: Progress,
    share: int | None = None,
    weight_from: str | None = None,
) -> EventLog:
    """The events of all users, or of those whose id's hash falls below a share, so that about `max_events` are held.

    share: ten-thousandths of users, as a former call noted it; None chooses. weight_from: see `TrainingOptions`.
    Raises TrainingError if there is no event, or nothing to weight labels by.
    """
    user = identifier(mapping.user_id)
    total, null_users = _one_row(
        con, f"SELECT count(*), count(*) FILTER (WHERE {user} IS NULL) FROM {rows_of(con, mapping)}"
    )
    usable = total - null_users
    if share is None:
        share = _SHARES if usable <= max_events else max(1, math.floor(_SHARES * max_events / usable))
    where = None if share >= _SHARES else f"md5_number_lower(CAST({user} AS VARCHAR)) % {_SHARES} < {share}"
    progress.start("Reading events", usable * share / _SHARES)
    reader = _Reader(mapping)
    cut = 0
    users: list[pa.Array] = []
    with con.cursor() as cursor:
        for ids, sequences, _ in scan(cursor, reader.mapping, where=where):
            kept = sequences.newest(max_user_events)
            cut += int((sequences.lengths > max_user_events).sum())
            reader.add(kept, hashes_of(ids.to_pylist()))
            if weight_from is not None:
                users.append(ids.filter(pa.array(kept.lengths > 0)))
            progress.advance(int(sequences.offsets[-1]))
    progress.finish()
    log = reader.log()
    if len(log.times) == 0:
        raise TrainingError(
            f'mapping "{mapping.name}" has no event with a user, a time and an action ({total} rows in '
            f"{mapping.made_of}): check the mapped columns with `sqlscore status`"
        )
    treatments = None if weight_from is None else read_treatments(con, mapping, pa.concat_arrays(users))
    return replace(log, sample=Sample(share, log.users, len(log.times), cut), treatments=treatments)


def hashes_of(ids: Iterable[object]) -> Hashes:
    """(N,) users' ids -> (N,) hashes of their texts: the same in every process, file and sample."""
    return np.fromiter((crc32(str(user).encode(errors="surrogatepass")) for user in ids), np.uint32)


def _one_row(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    with con.cursor() as cursor:
        row = cursor.execute(query).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


class _Growing:
    """A category column that grows batch by batch; each distinct text is held once."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.parts: list[Codes] = []
        self.sort: str | None = None

    def add(self, column: pa.Array) -> None:
        self.sort = sort_of(column.type) or self.sort
        if not pa.types.is_dictionary(column.type):
            column = (column if pa.types.is_string(column.type) else column.cast(pa.string())).dictionary_encode()
        texts = column.dictionary.cast(pa.string()).to_pylist()
        table = np.zeros(len(texts) + 1, np.int32)
        for i in np.unique(column.indices.drop_null().to_numpy()):
            text = texts[i]
            table[i] = 0 if text is None else self.known.setdefault(text, len(self.known) + 1)
        self.parts.append(table[column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)])

    def column(self) -> Column:
        return Column(_joined(self.parts, np.int32), list(self.known), self.sort)


class _Reader:
    """Collects the columns of sequences."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping, self.group = mapping, None
        if mapping.group is not None:
            self.group = (mapping.group, _Growing())
            if mapping.group not in (f.name for f in mapping.features):
                others = (*mapping.features, Feature(mapping.group, "categorical"))
                self.mapping = replace(mapping, features=others)  # to be read with the events, and by no model
        self.actions = _Growing()
        self.times: list[Ints] = []
        self.lengths: list[Ints] = []
        self.ids: list[Hashes] = []
        self.categorical = {f.name: _Growing() for f in mapping.features if f.kind == "categorical"}
        self.numeric: dict[str, list[npt.NDArray[np.float32]]] = {
            f.name: [] for f in mapping.features if f.kind == "numeric"
        }

    def add(self, sequences: Sequences, ids: Hashes) -> None:
        self.ids.append(ids)
        self.actions.add(sequences.actions)
        self.times.append(sequences.times)
        self.lengths.append(sequences.lengths)
        for name, growing in self.categorical.items():
            growing.add(sequences.features[name])
        for name, parts in self.numeric.items():
            parts.append(to_float(sequences.features[name], name))
        if self.group is not None:
            name, growing = self.group
            growing.add(sequences.features[name])

    def log(self) -> EventLog:
        lengths = _joined(self.lengths, np.int64)
        times, offsets = _joined(self.times, np.int64), offsets_of(lengths[lengths > 0])
        group = None if self.group is None else self.group[1].column()
        return EventLog(
            self.actions.column(),
            times,
            offsets,
            {name: growing.column() for name, growing in self.categorical.items()},
            {name: _joined(parts, np.float32) for name, parts in self.numeric.items()},
            ids=_joined(self.ids, np.uint32)[lengths > 0],
            group=group,
            known_until=None if group is None else ends_of_groups(group.codes, times, offsets),
        )


def ends_of_groups(codes: Codes, times: Ints, offsets: Ints) -> Ints:
    """(T,) up to when it is known what the user of an event did: the newest event of any group that the user has shown.

    A group that the user comes to later does not count at an event: who is labelled must not follow from the label.

    Args:
        codes: (T,) the group of each event; 0 for NULL, which is a group too.
        times: (T,) µs.
        offsets: (N + 1,) where each user begins.
    """
    if len(times) == 0:
        return times
    newest = np.full(int(codes.max()) + 1, times.min(), np.int64)
    np.maximum.at(newest, codes, times)
    ends, place = np.unique(newest, return_inverse=True)
    start = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)) * len(ends)  # no user's places reach the next's
    running: Ints = np.maximum.accumulate(start + place.astype(np.int64)[codes]) - start
    return ends[running]


def _joined(parts: list[npt.NDArray[Number]], kind: type[Number]) -> npt.NDArray[Number]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
