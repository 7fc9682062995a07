"""Score tables under names of the user's own: any events in bulk, and a score after every event."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from sqlscore.canonical import canonical, usable_events
from sqlscore.errors import MappingError
from sqlscore.events import DEFAULT_MAPPING, Mapping
from sqlscore.mapping import mapped
from sqlscore.moments import moment
from sqlscore.queries import create_empty, one
from sqlscore.quoting import identifier, qualified
from sqlscore.registry import catalog
from sqlscore.relations import relation_of
from sqlscore.scan import Users, scan
from sqlscore.staging import insert_as_they_come
from sqlscore.transactions import on_own_connection, recorded, transaction

if TYPE_CHECKING:
    from sqlscore.artifact import Artifact


_COMMENT = re.compile(r"^(\s*(--[^\n]*(\n|$)|/\*.*?\*/))+", re.DOTALL)
"""What may stand before the first word of a query."""


@dataclass(frozen=True)
class DerivedTable:
    """A table that was made: its name as given, its rows, the model that scored."""

    table: str
    rows: int
    model: str


@on_own_connection
def materialize(
    con: duckdb.DuckDBPyConnection,
    events: str,
    *,
    into: str,
    as_of: date | str | None = None,
    model: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
) -> DerivedTable:
    """Score the users of any events in bulk, into a table: what CREATE TABLE AS with `score_events` gives, sooner.

    events: a table, view, file or SELECT with the mapping's columns. into: the table to make, replaced if it is there;
    the columns are those of `score_events` behind user_id. as_of: default, the newest of these events.

    Memory holds batches of events, never the table. Raises MappingError where a column is missing.

    >>> sqlscore.materialize(con, "SELECT * FROM events WHERE country = 'DE'", into="german_scores").rows
    """
    from sqlscore.bulk import present, score_rows  # torch

    where = _over(con, mapped(con, mapping), events)
    artifact = catalog(con).artifact(model, mapping)
    newest = one(con, f"SELECT epoch_us(max(event_time)) FROM ({usable_events(con, where)})")
    if newest is None or newest[0] is None:
        raise MappingError(f"there is no usable event in {events!r}: nothing was made")
    at = moment(as_of, "as_of") if as_of is not None else int(newest[0])

    def score(users: Users) -> pa.Table:
        ids, sequences, _ = present(users)
        return score_rows(ids, artifact.encode(sequences), at, artifact)

    return _fill(con, where, artifact, score, into, "materialize", threads)


@on_own_connection
def score_history(
    con: duckdb.DuckDBPyConnection,
    *,
    into: str = "score_history",
    events: str | None = None,
    model: str | None = None,
    mapping: str = DEFAULT_MAPPING,
    threads: int | None = None,
) -> DerivedTable:
    """A score after every event of every user, from the events up to it alone, in one pass of a causal model.

    Makes the table `into` (replaced if it is there): user_id, event_time, event_type, then the columns of
    `score_events` with as_of = event_time. Row by row what `score_events(e, as_of := e.event_time) OVER (PARTITION BY
    user_id ORDER BY event_time ROWS UNBOUNDED PRECEDING)` gives, at a fraction of its cost.
    events: other events than the mapped ones: a table, view, file or SELECT with the mapping's columns.

    Raises ModelError for models that are not causal.

    >>> sqlscore.score_history(con, into="history").rows
    """
    from sqlscore.bulk import history_rows  # torch

    where = mapped(con, mapping)
    if events is not None:
        where = _over(con, where, events)
    artifact = catalog(con).artifact(model, mapping)
    artifact.require_causal()
    return _fill(con, where, artifact, partial(history_rows, artifact), into, "score_history", threads)


def _over(con: duckdb.DuckDBPyConnection, mapping: Mapping, events: str) -> Mapping:
    """The mapping over other events."""
    text = _COMMENT.sub("", events).strip().rstrip(";").strip()
    first = text.lstrip("( \n\t").split(None, 1)[0].casefold() if text.strip("() ") else ""
    is_query = first in ("select", "with", "from", "values")
    relation = f"({text}\n)" if is_query else relation_of(con, events)  # the line ends where a comment may be
    other = replace(mapping, relation=relation, append_only=False)
    con.execute("SET SESSION python_enable_replacements = false")  # a name in it is never a variable of ours
    try:
        names = con.sql(f"SELECT * FROM {relation}").columns
    except duckdb.Error as error:
        raise MappingError(f"{events!r} cannot be read: {error}") from error
    folded = {name.casefold() for name in names}
    for name in other.columns:
        if name.casefold() not in folded:
            have = ", ".join(f'"{n}"' for n in names)
            raise MappingError(f'{events!r} has no column "{name}" (columns: {have}), which the mapping reads: add it')
    return other


def _target(con: duckdb.DuckDBPyConnection, into: str) -> str:
    """The quoted name of the table to make. Raises MappingError where something else of that name would be lost."""
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
        if mapping.relation.casefold() == relation:
            raise MappingError(f'"{into}" holds the events that are mapped as "{mapping.name}": choose another name')
    views = con.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    if any(qualified(*view).casefold() == relation for view in views):
        raise MappingError(f'"{into}" is a view, which a table does not replace: choose another name, or drop the view')
    return target


def _fill(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    artifact: Artifact,
    work: Callable[[Users], pa.Table],
    into: str,
    verb: str,
    threads: int | None,
) -> DerivedTable:
    """Make the table `into` of what `work` gives for each batch of users, in one transaction."""
    from sqlscore.bulk import in_order  # torch

    target = _target(con, into)
    query = usable_events(con, mapping)
    user_type = con.sql(query).types[0]
    with recorded(con, verb, mapping.name) as details, con.cursor() as reader, transaction(con):
        batches = in_order(work, scan(reader, canonical(mapping, query)), threads)
        first = next(batches, None)
        if first is None:
            raise MappingError(f"there is no usable event in {mapping.relation}: nothing was made")
        con.execute(f"DROP TABLE IF EXISTS {target}")
        con.register("sqlscore_shape", first.slice(0, 0))
        create_empty(con, target, f"SELECT * REPLACE (CAST(user_id AS {user_type}) AS user_id) FROM sqlscore_shape")
        con.unregister("sqlscore_shape")
        rows = insert_as_they_come(con, target, first, batches)
        details.update(table=into, rows=rows, model=artifact.name)
    return DerivedTable(into, rows, artifact.name)
