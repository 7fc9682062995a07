"""Triggers on the tables of events that note whose events change, in `changed_users`: plain SQL, for any DuckDB."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import duckdb

from sqlscore.database.materialized import is_table
from sqlscore.database.score_triggers import create_score_trigger, score_prefix, score_triggers
from sqlscore.errors import InstallError, MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import SYSTEM, identifier, literal, qualified
from sqlscore.sql.objects import table

CHANGED_TABLE = "changed_users"
_NEW, _OLD = "sqlscore_new_rows", "sqlscore_old_rows"
_COLUMNS = "(user_id, of_table, n_rows)"
_KINDS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class EventsTable:
    """A table whose changes are noted.

    Attributes:
        relation: its quoted name.
        users: its columns that say whose an event is: several if it is more than one source of the mapping.
    """

    relation: str
    users: tuple[str, ...]


def tables_to_watch(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[EventsTable, ...]:
    """The tables whose rows are the events of a mapping.

    Raises MappingError if the events are in anything but tables of this file, or if a row of one user can change what
    the events of another are.
    """
    parts = mapping.composition
    if parts is not None and parts.identity is not None:
        raise MappingError(
            f'"{mapping.name}" finds out whose an event is ({parts.identity}), so that one row changes the events of '
            "others, which a trigger on it cannot tell: refresh compares all events of such a mapping"
        )
    if parts is not None and parts.users is not None:
        raise MappingError(
            f'the events of "{mapping.name}" have attributes of {parts.users.relation}, whose rows change without any '
            "event: refresh compares all events of such a mapping"
        )
    users: dict[str, list[str]] = {}
    if parts is None:
        users[mapping.relation] = [mapping.user_id]
    else:
        for feed in parts.feeds:
            columns = users.setdefault(feed.relation, [])
            if feed.user_id is not None and feed.user_id not in columns:
                columns.append(feed.user_id)
    for relation in users:
        _require_table(con, relation)
    return tuple(EventsTable(relation, tuple(columns)) for relation, columns in users.items())


def start(con: duckdb.DuckDBPyConnection, mapping: Mapping, score: bool = False) -> tuple[str, ...]:
    """Make the triggers and their table anew, inside the caller's transaction; returns the quoted tables with triggers.

    What was noted before is gone, so the next refresh compares all events.

    Args:
        con: A connection in a transaction.
        mapping: The mapped events.
        score: Whether triggers also score the users of inserted events, for which there must be `scored_users`.

    Raises MappingError as `tables_to_watch` does, InstallError if the file's format knows no triggers.
    """
    tables = tables_to_watch(con, mapping)
    stop(con, mapping)
    watch, changed = secrets.token_hex(4), qualified(mapping.schema, CHANGED_TABLE)
    con.execute(table(CHANGED_TABLE).for_schema(mapping.schema))
    user_type = con.sql(f"SELECT user_id FROM {qualified(mapping.schema, 'events')}").types[0]
    con.execute(f"ALTER TABLE {changed} ALTER user_id TYPE {user_type}")
    for events in tables:
        for kind in _KINDS:
            name = identifier(f"{_prefix(mapping)}{kind.lower()} {watch}")
            try:
                con.execute(f"CREATE TRIGGER {name} {_fires(events, kind)} {_note(events, kind, changed)}")
            except duckdb.BinderException as error:
                raise _refused(error) from error
        if score:
            create_score_trigger(con, mapping, events.relation, events.users, watch)
        _end_open_changes(con, events.relation)
    return tuple(events.relation for events in tables)


def stop(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Drop the triggers and their table, inside the caller's transaction; returns whether there were any."""
    found = _triggers(con, mapping)
    for relation, _, name, _ in found:
        con.execute(f"DROP TRIGGER {identifier(name)} ON {relation}")
    noted = is_table(con, mapping.schema, CHANGED_TABLE)
    if noted:
        con.execute(f"DROP TABLE {qualified(mapping.schema, CHANGED_TABLE)}")
    return bool(found) or noted


def is_watched(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether changes of the events are to be noted: whether they all are, `watch_key` says."""
    return is_table(con, mapping.schema, CHANGED_TABLE)


def watch_key(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """What tells these triggers from any before them; None if one is gone, and then changes are not noted."""
    if not is_watched(con, mapping):
        return None
    columns = con.sql(f"FROM {qualified(mapping.schema, CHANGED_TABLE)} LIMIT 0").columns
    try:
        tables = tables_to_watch(con, mapping)
    except MappingError:  # the table became a view, or is gone
        return None
    found = [one for one in _triggers(con, mapping) if not one[2].startswith(score_prefix(mapping))]
    there = {(relation, kind) for relation, kind, *_ in found}
    if not {(events.relation, kind) for events in tables for kind in _KINDS} <= there:
        return None
    return hashlib.sha256(repr((sorted(found), columns)).encode()).hexdigest()[:16]


def scores_inserts(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether the users of inserted events are scored at once."""
    return bool(score_triggers(con, mapping))


def _triggers(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[tuple[str, str, str, str]]:
    """(quoted table, INSERT or the like, name, text) of the triggers of a mapping."""
    rows = con.execute(
        """SELECT schema_name, table_name, event_manipulation, trigger_name, sql FROM duckdb_triggers()
           WHERE database_name = current_database() AND starts_with(trigger_name, ?)""",
        [_prefix(mapping)],
    ).fetchall()
    return [(qualified(schema, name), *rest) for schema, name, *rest in rows]


def _prefix(mapping: Mapping) -> str:
    """How the names of a mapping's triggers begin."""
    return f"sqlscore_{mapping.name}: "


def _fires(events: EventsTable, kind: str) -> str:
    rows = {"INSERT": f"NEW TABLE AS {_NEW}", "DELETE": f"OLD TABLE AS {_OLD}"}
    both = f"OLD TABLE AS {_OLD} NEW TABLE AS {_NEW}"
    return f"AFTER {kind} ON {events.relation} REFERENCING {rows.get(kind, both)} FOR EACH STATEMENT"


def _note(events: EventsTable, kind: str, changed: str) -> str:
    """The statement of a trigger: one row a user that the changed rows name, and how many of them there are."""
    of = literal(events.relation)
    if kind == "UPDATE":
        rows = " UNION ".join(f"SELECT {identifier(u)} AS u FROM {t}" for u in events.users for t in (_OLD, _NEW))
        return f"INSERT INTO {changed} {_COLUMNS} SELECT u, {of}, 0 FROM ({rows}) AS changed"
    rows, sign = (_NEW, "") if kind == "INSERT" else (_OLD, "-")
    first, *others = events.users
    counted = (
        f"SELECT {identifier(first)} AS u, {sign}{SYSTEM}.count_star() AS n FROM {rows} GROUP BY {identifier(first)}"
    )
    more = "".join(f" UNION ALL SELECT DISTINCT {u}, 0 FROM {rows}" for u in others)
    return f"INSERT INTO {changed} {_COLUMNS} SELECT u, {of}, n FROM ({counted}{more}) AS changed"


def _end_open_changes(con: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Let transactions that have changed the table and are still open fail as they commit.

    Their statements know no trigger, not even those to come, and creating one does not stop them: what they commit
    would not be noted. Any change of the table itself does stop them, so its comment is set to what it is.
    """
    rows = con.execute(
        "SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = current_database()"
    ).fetchall()
    comment = next(text for schema, name, text in rows if qualified(schema, name) == relation)
    con.execute(f"COMMENT ON TABLE {relation} IS {'NULL' if comment is None else literal(comment)}")


def _require_table(con: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Raise MappingError unless the relation is a table of this file."""
    names = con.execute(
        """SELECT schema_name, table_name, 'table' FROM duckdb_tables() WHERE database_name = current_database()
           UNION ALL SELECT schema_name, view_name, 'view' FROM duckdb_views()
           WHERE database_name = current_database()"""
    ).fetchall()
    kinds = [kind for schema, name, kind in names if qualified(schema, name) == relation]
    if kinds == ["table"]:
        return
    what = "is a view" if kinds else "is not a table of this file"
    raise MappingError(
        f"{relation} {what}, and only a table of the file itself can have triggers: refresh compares all events of "
        "it; to have changes noted, map the table that they arrive in"
    )


def _refused(error: duckdb.BinderException) -> Exception:
    if "storage version" not in str(error):
        return error
    return InstallError(
        "this file has the format of an older DuckDB, in which there are no triggers: copy it into one of today's, "
        "ATTACH 'new.duckdb' AS new (STORAGE_VERSION 'v2.0.0'); COPY FROM DATABASE ... TO new, and watch that; "
        f"DuckDB 1.x does not open it then ({error})"
    )
