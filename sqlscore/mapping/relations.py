"""Where events are: a table, a view, a file or a table elsewhere as SQL, and what columns it has."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from pathlib import Path

import duckdb
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.events.attached import Attached
from sqlscore.excerpts import engine_message
from sqlscore.mapping.elsewhere import is_duckdb_file, of_attached, of_duckdb_file, of_lake
from sqlscore.quoting import literal, qualified

READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".gz": "read_csv",
    ".json": "read_json",
    ".ndjson": "read_json",
    ".jsonl": "read_json",
}
"""The function that reads a file of events, by the ending of its name; .gz is compressed CSV, .json.gz JSON."""

_SQLITE = (
    "if it is a SQLite database, attach={'app': FILE} (--attach app=FILE), and map app.TABLE; if it is an OCEL log, "
    "sqlscore init DB --from ocel FILE --object-type T"
)
_CONVERSIONS = {
    ".xes": "sqlscore init DB --from xes FILE, or map_export(con, 'xes', FILE), reads it",
    ".sqlite": _SQLITE,
    ".sqlite3": _SQLITE,
    ".db": _SQLITE,
    ".xlsx": "in DuckDB, COPY (FROM read_xlsx('FILE')) TO 'events.parquet', and map that file",
}
"""How to get events out of files that are not read, by the ending of the name."""


def reader_of(path: str) -> str | None:
    """The function that reads a file, None if none does; packed JSON is JSON."""
    suffixes = [suffix.casefold() for suffix in Path(path).suffixes]
    packed = suffixes[-1:] == [".gz"] and READERS.get("".join(suffixes[-2:-1])) == "read_json"
    return "read_json" if packed else READERS.get("".join(suffixes[-1:]))


def relation_of(
    con: duckdb.DuckDBPyConnection, table: str, attached: Iterable[Attached] = (), table_name: str | None = None
) -> str:
    """The SQL of a FROM clause for a table, a view, a file, or a table of a database elsewhere.

    Args:
        con: A connection to the database.
        table: What the user calls it.
        attached: Databases that are attached, whose tables begin with their names.
        table_name: Which table is meant if `table` is a DuckDB file.

    Raises MappingError if there is nothing of that name, SourceError if it needs what this machine does not have.
    """
    elsewhere = of_attached(con, table, attached)
    if elsewhere is not None:
        return elsewhere
    rows = con.execute(
        """SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()
           UNION ALL SELECT schema_name, view_name FROM duckdb_views()
           WHERE database_name = current_database() AND NOT internal"""
    ).fetchall()
    folded = table.casefold()
    for schema, name in rows:
        spellings = [f"{schema}.{name}", qualified(schema, name)]
        if schema == "main":
            spellings += [name, qualified(name)]
        if folded in map(str.casefold, spellings) and table_name is None:
            return qualified(schema, name)
    own = [(schema, name) for schema, name in rows if not schema.startswith("sqlscore")]
    have = ", ".join(sorted(qualified(name) if schema == "main" else qualified(schema, name) for schema, name in own))
    return _of_file(con, table, table_name, have or "none")


def _of_file(con: duckdb.DuckDBPyConnection, table: str, table_name: str | None, have: str) -> str:
    """The relation of what is no table of the database, in which there is `have`."""
    if is_duckdb_file(table):
        return of_duckdb_file(con, table, table_name)
    if table_name is not None:
        raise MappingError(
            f'"{table}" is not a DuckDB file, and table_name (--table) says which table of one is meant: leave it out'
        )
    lake = of_lake(con, table)
    if lake is not None:
        return lake
    suffix = ".xes" if table.casefold().endswith(".xes.gz") else Path(table).suffix.casefold()
    files = glob.glob(table, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    if suffix in READERS and (files or "://" in table):
        path = table if "://" in table else str(Path(table).absolute())
        options = ", hive_partitioning = true" if suffix == ".parquet" and "=" in "".join(files[:1]) else ""
        return f"{reader_of(path)}({literal(path)}{options})"
    if files and suffix in _CONVERSIONS:
        raise MappingError(f'"{table}" is not a file that sqlscore can read: {_CONVERSIONS[suffix]}')
    if files and suffix not in READERS:
        raise MappingError(
            f'"{table}" is not a file that sqlscore can read: rename it so that it ends in one of {", ".join(READERS)}'
        )
    name = _attached_by_hand(con, table)
    if name is not None:
        raise MappingError(
            f'"{table}" is of the database "{name}", which this connection alone has attached: say where it is, for '
            f'every verb to come: attach={{"{name}": ...}} (--attach {name}=...)'
        )
    kind = "file" if suffix in READERS else "table, view or file"
    raise MappingError(
        f'there is no {kind} "{table}" (tables and views here: {have}; files: {", ".join(READERS)}): check the name; '
        "a temporary table, a DataFrame or uncommitted rows must first be stored with CREATE TABLE ... AS"
    )


def _attached_by_hand(con: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """The attached database with which the name of a table begins; None if there is none."""
    first = re.match(r'"((?:[^"]|"")+)"\.|([^".]+)\.', table)
    if first is None:
        return None
    row = one(
        con,
        """SELECT database_name FROM duckdb_databases()
           WHERE lower(database_name) = lower(?) AND database_name <> current_database() AND NOT internal""",
        [(first[1] or first[2]).replace('""', '"')],
    )
    return row[0] if row else None


def in_words(table: str) -> str:
    """What the user called a relation, in quotes unless it is quoted, or a call, itself."""
    return table if table.startswith('"') or table.endswith(")") else f'"{table}"'


def types_of(con: duckdb.DuckDBPyConnection, relation: str, table: str) -> dict[str, pa.DataType]:
    """The Arrow types of a relation's columns, by name.

    Args:
        con: A connection to the database.
        relation: The SQL of a FROM clause.
        table: What the user called the relation.

    Raises MappingError if it cannot be read.
    """
    try:
        schema = con.sql(f"SELECT * FROM {relation} LIMIT 0").to_arrow_table().schema
    except duckdb.Error as error:
        raise MappingError(f"{in_words(table)} cannot be read: {engine_message(error)}") from error
    return {field.name: field.type for field in schema}


def column_of(asked: str, role: str, types: Dict[str, pa.DataType], table: str) -> str:
    """The name of the column `asked`, spelled as in the table. Raises MappingError if there is no such column."""
    for name in types:
        if name.casefold() == asked.casefold():
            return name
    outer, dot, field = asked.partition(".")
    nested = next((name for name in types if name.casefold() == outer.casefold()), None) if dot else None
    if nested is not None:
        raise MappingError(
            f'"{asked}" for {role} is a field inside column "{nested}", and a mapped column must be one of the '
            f"table's own: map a view that takes it out, CREATE VIEW flat AS SELECT *, {nested}.{field} AS "
            f"{field.rpartition('.')[2]} FROM ..."
        )
    have = ", ".join(f'"{name}"' for name in types)
    option = f"--{role.replace('_', '-')}"
    raise MappingError(
        f'{in_words(table)} has no column "{asked}" for {role} (columns: {have}): pass {role}=... ({option})'
    )
