"""Events as Spark reads them: which columns they have, whose they are, how new they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from sqlscore.errors import EventsError
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.quoting import backquoted
from sqlscore.spark.partition import Newest
from sqlscore.spark.pieces import NEWEST, PART, Reader
from sqlscore.times import iso


@dataclass(frozen=True)
class Events:
    """A DataFrame with the columns of a mapping, and the mapping as it names them."""

    frame: Any
    mapping: Mapping

    def by_user(self, partitions: int, more: Any = None) -> Any:
        """Their rows in this many partitions of whole users, sorted by user; with those of another frame."""
        user = backquoted(self.mapping.user_id)
        rows = self.frame if more is None else self.frame.unionByName(more, allowMissingColumns=True)
        return rows.repartition(partitions, user).sortWithinPartitions(user)


def events_of(frame: Any, mapping: Mapping) -> Events:
    """The events of a DataFrame, under the mapping's own names or those of `sqlscore.events`.

    Raises EventsError if columns are missing.
    """
    have = {name.casefold() for name in frame.columns}
    needed = [*mapping.read_columns, *(name for name in mapping.event_id if name not in mapping.read_columns)]
    missing = [name for name in needed if name.casefold() not in have]
    if missing and all(name in have for name in CANONICAL):
        user_id, event_time, event_type = CANONICAL
        mapping = replace(
            mapping, user_id=user_id, event_time=event_time, event_type=event_type, time_unit=None, event_id=()
        )
        needed = list(mapping.read_columns)
        missing = [name for name in needed if name.casefold() not in have]
    if missing:
        raise EventsError(
            f'events column "{missing[0]}" is missing: the mapping "{mapping.name}" reads {", ".join(needed)}, and '
            f"these events have {', '.join(frame.columns)}"
        )
    from pyspark.sql.functions import col

    columns = [col(backquoted(name)).alias(name) for name in needed]
    # Rows without a user are no events, and would all come to one partition.
    return Events(frame.select(columns).where(col(backquoted(mapping.user_id)).isNotNull()), mapping)


@dataclass(frozen=True)
class Moment:
    """The moment of a run: µs; and of each group, if the mapping has groups, as the readers take it."""

    as_of: int
    groups: bytes | None


def capped(events: Events, as_of: int | None) -> Events:
    """The events up to `as_of`, or up to now: what is later was not seen then."""
    now = int(datetime.now(UTC).timestamp() * 1e6)
    caps = [cap for cap in (events.mapping.time_cap, as_of) if cap is not None]
    return Events(events.frame, replace(events.mapping, time_cap=min(caps) if caps else now))


def moment_of(events: Events, as_of: int | None, partitions: int) -> Moment:
    """The moment of scores: `as_of`, or the newest event, for which all times are read once.

    Raises EventsError if there is no usable event.
    """
    mapping = events.mapping
    if as_of is not None and mapping.group is None:
        return Moment(as_of, None)
    reader, whole = Reader(mapping.to_json()), bool(mapping.event_id)
    kind: Any = pa.string()
    if mapping.group is not None:
        from pyspark.sql.pandas.types import to_arrow_type

        kind = to_arrow_type(events.frame.schema[mapping.group].dataType)
    rows = events.by_user(partitions) if whole else events.frame
    newest = found_newest(rows, Newest(reader, whole, kind))
    times = newest.column(NEWEST).cast(pa.int64()).drop_null().to_pylist()
    if not times:
        raise EventsError(
            f'no event up to {iso(mapping.time_cap or 0)} can be used: an event needs "{mapping.user_id}", '
            f'"{mapping.event_time}" and "{mapping.event_type}"'
        )
    if mapping.group is None:
        return Moment(max(times), None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, newest.schema) as writer:
        writer.write_table(newest)
    return Moment(max(times), sink.getvalue().to_pybytes())


def found_newest(rows: Any, newest: Newest) -> pa.Table:
    """PART and NEWEST, each part once, TIMESTAMP without zone."""
    from pyspark.sql.functions import max as greatest

    from sqlscore.spark.types import spark_of

    schema = pa.schema([(PART, newest.part), (NEWEST, pa.timestamp("us"))])
    kind = spark_of(pa.struct(list(schema)))
    found = rows.mapInArrow(newest.rows, kind).groupBy(PART).agg(greatest(NEWEST).alias(NEWEST)).toArrow()
    return found.cast(pa.schema([(PART, newest.part), (NEWEST, pa.timestamp("us", "UTC"))])).cast(schema)


def read(spark: Any, paths: Sequence[str], form: str) -> Any:
    """Files of events as a DataFrame: any format that Spark reads."""
    return spark.read.format(form).load(list(paths))
