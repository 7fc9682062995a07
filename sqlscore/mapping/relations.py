"""Where events are: a table, a view or a file as SQL, and what columns it has."""

from __future__ import annotations

import glob
from collections.abc import Mapping as Dict
from pathlib import Path

import duckdb
import pyarrow as pa

from sqlscore.errors import MappingError
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
"""The function that reads a file of events, by the ending of its name; .gz is compressed CSV."""


def relation_of(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """The SQL of a FROM clause for a table, a view or a file.

    Raises MappingError if there is nothing of that name.
    """
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
        if folded in map(str.casefold, spellings):
            return qualified(schema, name)
    suffix = Path(table).suffix.casefold()
    files = glob.glob(table, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    if suffix in READERS and (files or "://" in table):
        path = table if "://" in table else str(Path(table).absolute())
        options = ", hive_partitioning = true" if suffix == ".parquet" and "=" in "".join(files[:1]) else ""
        return f"{READERS[suffix]}({literal(path)}{options})"
    own = [(schema, name) for schema, name in rows if not schema.startswith("sqlscore")]
    have = ", ".join(sorted(qualified(name) if schema == "main" else qualified(schema, name) for schema, name in own))
    have = have or "none"
    if files and suffix not in READERS:
        raise MappingError(
            f'"{table}" is not a file that sqlscore can read: rename it so that it ends in one of {", ".join(READERS)}'
        )
    kind = "file" if suffix in READERS else "table, view or file"
    raise MappingError(
        f'there is no {kind} "{table}" (tables and views here: {have}; files: {", ".join(READERS)}): check the name; '
        "a temporary table, a DataFrame or uncommitted rows must first be stored with CREATE TABLE ... AS"
    )


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
        raise MappingError(f'"{table}" cannot be read: {error}') from error
    return {field.name: field.type for field in schema}


def column_of(asked: str, role: str, types: Dict[str, pa.DataType], table: str) -> str:
    """The name of the column `asked`, spelled as in the table. Raises MappingError if there is no such column."""
    for name in types:
        if name.casefold() == asked.casefold():
            return name
    have = ", ".join(f'"{name}"' for name in types)
    option = f"--{role.replace('_', '-')}"
    raise MappingError(f'"{table}" has no column "{asked}" for {role} (columns: {have}): pass {role}=... ({option})')
