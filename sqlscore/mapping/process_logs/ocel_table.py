"""An OCEL log as a table of the database: the events of each object of one type, in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.ocel import Ocel
from sqlscore.mapping.process_logs.ocel_json import read_ocel_json
from sqlscore.mapping.process_logs.ocel_sqlite import read_ocel_sqlite
from sqlscore.mapping.process_logs.ocel_xml import read_ocel_xml
from sqlscore.mapping.process_logs.spool import folder_of
from sqlscore.mapping.process_logs.typing import Attribute, attributes, odd_times, untyped, utc
from sqlscore.quoting import identifier, literal

COLUMNS = ("user_id", "event_time", "event_type", "position", "event_id", "qualifier")
_EVENTS, _OBJECTS, _LINKS = "sqlscore_log_events", "sqlscore_log_objects", "sqlscore_log_links"
_OWN = ("id", "type", "time")


@dataclass(frozen=True)
class OcelTable:
    """What was made of a log: the names of the attributes' columns, and what the user should know."""

    columns: tuple[str, ...]
    remarks: tuple[str, ...]


def make_ocel_table(con: duckdb.DuckDBPyConnection, path: Path, table: str, object_type: str | None) -> OcelTable:
    """Read the events of the objects of one type into a table, in place of what has its name, at once or not at all.

    Its columns: user_id (the object), event_time (TIMESTAMP in UTC), event_type, position (of the event among those of
    the object, in the order of the log, from 1), event_id, qualifier (as what the object took part; several with commas
    between), then the attributes of events. An event of several objects stands there once for each.

    Args:
        con: A writable connection, in UTC.
        path: The file: SQLite, JSON or XML.
        table: The table's name in the schema main.
        object_type: The type whose objects are the users.

    Raises MappingError if the file is damaged or no OCEL 2.0, or if it has no such type of objects.
    """
    log = Ocel(folder_of(con))
    try:
        _read(path, log)
        log.check(path)
        wanted = _checked_type(con, path, log, object_type)
        remarks = odd_times(con, log.events, _EVENTS, f'{_EVENTS}."event time"')
        made = attributes(con, log.events, _EVENTS, "", (), {name.casefold() for name in COLUMNS})
        _refuse_repeated(con, path, log)
        _create(con, log, table, wanted, made)
        remarks += _of_links(con, log, table, wanted)
    finally:
        log.close()
    return OcelTable(tuple(attribute.name for attribute in made), (*remarks, *untyped(made)))


def _read(path: Path, log: Ocel) -> None:
    with path.open("rb") as file:
        begins = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if begins.startswith(b"SQLite format 3"):
        read_ocel_sqlite(path, log)
    elif begins.startswith((b"{", b"[")):
        read_ocel_json(path, log)
    elif begins.startswith((b"<", b"\x1f\x8b")):
        read_ocel_xml(path, log)
    else:
        raise MappingError(
            f"{path} is no OCEL 2.0 log, which is a SQLite database, JSON or XML (it begins with {begins[:16]!r}): "
            "give the log as it was exported"
        )


def _checked_type(con: duckdb.DuckDBPyConnection, path: Path, log: Ocel, asked: str | None) -> str:
    """The type that was asked for. Raises MappingError, which lists all types, if there is no such type."""
    with log.objects.relation(con, _OBJECTS) as objects, log.links.relation(con, _LINKS) as links:
        found = con.execute(
            f"""SELECT "object type", count(DISTINCT "object id"),
                    count(DISTINCT ("object id", "link event")) FILTER ("link event" IS NOT NULL)
                FROM {objects} LEFT JOIN {links} ON "link object" = "object id" GROUP BY 1 ORDER BY 2 DESC, 1"""
        ).fetchall()
    if asked in [kind for kind, _, _ in found]:
        return str(asked)
    types = "; ".join(f"{kind}: {n_objects:,} objects, {n_events:,} events" for kind, n_objects, n_events in found)
    what = "an OCEL log has users of several kinds" if asked is None else f'{path} has no objects of type "{asked}"'
    raise MappingError(f"{what}: say whose events are to be scored, object_type=... (--object-type T), one of {types}")


def _refuse_repeated(con: duckdb.DuckDBPyConnection, path: Path, log: Ocel) -> None:
    """Raise MappingError if two events have the same id: links would give each the objects of both."""
    with log.events.relation(con, _EVENTS) as events:
        found = one(con, f'SELECT "event id", count(*) FROM {events} GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1')
    if found is not None:
        raise MappingError(
            f"{path} has {found[1]} events with the id {found[0]!r}, and ids tell events apart: export it again"
        )


def _create(con: duckdb.DuckDBPyConnection, log: Ocel, table: str, object_type: str, made: list[Attribute]) -> None:
    time = f'{_EVENTS}."event time"'
    columns = "".join(f", {attribute.sql} AS {identifier(attribute.name)}" for attribute in made)
    with (
        log.events.relation(con, _EVENTS),
        log.objects.relation(con, _OBJECTS),
        log.links.relation(con, _LINKS),
    ):
        con.execute(
            f"""CREATE OR REPLACE TABLE main.{identifier(table)} AS
                WITH users AS (
                    SELECT DISTINCT "object id" AS id FROM {_OBJECTS} WHERE "object type" = {literal(object_type)}
                ), pairs AS (
                    SELECT event, id, string_agg(DISTINCT role, ', ' ORDER BY role) AS qualifier
                    FROM (SELECT "link event" AS event, "link object" AS id, nullif("link qualifier", '') AS role
                        FROM {_LINKS} WHERE "link object" IN (SELECT id FROM users))
                    GROUP BY event, id
                )
                SELECT pairs.id AS user_id, {utc(time)} AS event_time, {_EVENTS}."event type" AS event_type,
                    row_number() OVER (PARTITION BY pairs.id ORDER BY {_EVENTS}.place) AS position,
                    pairs.event AS event_id, pairs.qualifier{columns}
                FROM {_EVENTS} JOIN pairs ON pairs.event = {_EVENTS}."event id"
            """
        )


def _of_links(con: duckdb.DuckDBPyConnection, log: Ocel, table: str, object_type: str) -> list[str]:
    """What became of the events and their links, in words."""
    with log.objects.relation(con, _OBJECTS), log.links.relation(con, _LINKS):
        n_links, n_pairs = one(
            con,
            f"""SELECT count(*), count(DISTINCT ("link event", "link object")) FROM {_LINKS} WHERE "link object" IN
                (SELECT "object id" FROM {_OBJECTS} WHERE "object type" = {literal(object_type)})""",
        ) or (0, 0)
    name = f"main.{identifier(table)}"
    row = one(con, f"SELECT count(*), count(DISTINCT event_id), count(DISTINCT user_id) FROM {name}")
    n_rows, n_events, n_users = row or (0, 0, 0)
    said = []
    if n_links > n_pairs:
        said.append(
            f"{n_links - n_pairs:,} links repeat an event and object under another qualifier: the event counts once, "
            'and column "qualifier" has them all'
        )
    if n_pairs > n_rows:
        said.append(f"{n_pairs - n_rows:,} links name an event that the log does not have")
    if n_rows > n_events:
        said.append(
            f"{n_rows:,} rows are {n_events:,} events of {n_users:,} {object_type}: one of several of these is in the "
            "sequence of each"
        )
    if n_events < log.events.n_rows:
        said.append(
            f"{log.events.n_rows - n_events:,} of {log.events.n_rows:,} events have no object of type {object_type}, "
            "and are left out"
        )
    return said
