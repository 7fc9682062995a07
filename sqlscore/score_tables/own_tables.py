"""Tables of scores under names that the user chooses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.scan import EVENTS_PER_BATCH, Users, scan
from sqlscore.database.transactions import cursor_in_utc, recorded, transaction
from sqlscore.errors import MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.excerpts import engine_message, excerpt
from sqlscore.mapping.relations import relation_of
from sqlscore.quoting import identifier, qualified
from sqlscore.score_tables.moments import dated, note_groups
from sqlscore.score_tables.writing import insert_as_they_come

if TYPE_CHECKING:
    from sqlscore.scoring.artifact import Artifact

_COMMENT = re.compile(r"^(\s*(--[^\n]*(\n|$)|/\*.*?\*/))+", re.DOTALL)
"""Comments before the first word of a query."""


@dataclass(frozen=True)
class DerivedTable:
    """A table that was made: its name as given, its number of rows, the model that scored."""

    table: str
    rows: int
    model: str


def mapping_over(con: duckdb.DuckDBPyConnection, mapping: Mapping, events: str) -> Mapping:
    """The mapping with its columns read from other events: a table, view, file or SELECT.

    Without the columns of the events' ids, as `sqlscore.events` is, every row of these counts.

    Raises MappingError if these cannot be read, or lack a column.
    """
    text = _COMMENT.sub("", events).strip().rstrip(";").strip()
    first = text.lstrip("( \n\t").split(None, 1)[0].casefold() if text.strip("() ") else ""
    is_query = first in ("select", "with", "from", "values")
    relation = (
        f"({text}\n)" if is_query else relation_of(con, events, mapping.attached)
    )  # the line break ends a comment in the text
    other = replace(mapping, relation=relation, append_only=False)
    con.execute("SET SESSION python_enable_replacements = false")  # no name in the text may mean a Python variable
    try:
        names = con.sql(f"SELECT * FROM {relation}").columns
    except duckdb.Error as error:
        raise MappingError(f"{excerpt(repr(events))} cannot be read: {engine_message(error)}") from error
    folded = {name.casefold() for name in names}
    for name in other.read_columns:
        if name.casefold() not in folded:
            have = ", ".join(f'"{n}"' for n in names)
            raise MappingError(f'{events!r} has no column "{name}" (columns: {have}), which the mapping reads: add it')
    return other if folded.issuperset(map(str.casefold, other.event_id)) else replace(other, event_id=())


def _target(con: duckdb.DuckDBPyConnection, into: str) -> str:
    """The quoted name of the table to make. Raises MappingError if it would replace anything but such a table."""
    target = qualified(*into.split(".", 1)) if "." in into else identifier(into)
    rows = con.execute("SELECT mapping FROM sqlscore.mappings").fetchall()
    mappings = [Mapping.from_json(row[0]) for row in rows]
    if any(into.casefold().startswith(f"{schema}.") for schema in ("sqlscore", *(m.schema for m in mappings))):
        raise MappingError(f'"{into}" would be a table in a schema of sqlscore\'s own: choose another name')
    try:
        relation = relation_of(con, into).casefold()
    except MappingError:
        return target  # there is nothing of that name
    for mapping in mappings:
        if relation in map(str.casefold, mapping.relations):
            raise MappingError(f'"{into}" holds the events that are mapped as "{mapping.name}": choose another name')
    views = con.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    if any(qualified(*view).casefold() == relation for view in views):
        raise MappingError(f'"{into}" is a view, which a table does not replace: choose another name, or drop the view')
    return target


def fill(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    artifact: Artifact,
    work: Callable[[Users], pa.Table],
    into: str,
    verb: str,
    threads: int | None,
    *,
    in_groups: bool = False,
    events_per_batch: int = EVENTS_PER_BATCH,
) -> DerivedTable:
    """Make a table of what `work` returns for each batch of users, in one transaction.

    Args:
        con: A writable connection.
        mapping: The events to score.
        artifact: The model that scores.
        work: A batch of users -> rows.
        into: The table to make; an existing one is replaced.
        verb: The verb to record in `sqlscore.runs`.
        threads: How many threads work; by default one per core.
        in_groups: Whether `work` is to know the newest event of each user's groups.
        events_per_batch: About how many events a batch of users has.

    Raises MappingError if no event is usable, or `into` names something else.
    """
    from sqlscore.parallel import in_order  # torch

    target = _target(con, into)
    query = usable_events(con, mapping)
    user_type = con.sql(query).types[0]
    with recorded(con, verb, mapping.name) as details, cursor_in_utc(con) as reader, transaction(con):
        if in_groups:
            note_groups(reader, mapping)
            query = dated(query, mapping)
        users = scan(reader, canonical(mapping, query), events_per_batch=events_per_batch, high_water=in_groups)
        batches = in_order(work, users, threads)
        first = next(batches, None)
        if first is None:
            raise MappingError(f"there is no usable event in {mapping.made_of}: nothing was made")
        con.execute(f"DROP TABLE IF EXISTS {target}")
        con.register("sqlscore_shape", first.slice(0, 0))
        shape = f"SELECT * REPLACE (CAST(user_id AS {user_type}) AS user_id) FROM sqlscore_shape"
        con.execute(f"CREATE TABLE {target} AS {shape}")
        con.unregister("sqlscore_shape")
        rows = insert_as_they_come(con, target, first, batches)
        details.update(table=into, rows=rows, model=artifact.name)
    return DerivedTable(into, rows, artifact.name)
