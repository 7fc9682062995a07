"""A file of events imported as a table of the database, once."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.mapping.relations import READERS, reader_of
from sqlscore.mapping.text_files import as_written
from sqlscore.quoting import identifier, literal


def copy_into(
    con: duckdb.DuckDBPyConnection, file: str, table: str, columns: Iterable[str], features: Iterable[str]
) -> bool:
    """Import a file as a table; returns False if the table is there already and holds the same rows.

    Args:
        con: A writable connection.
        file: A Parquet, CSV or JSON file, or a glob of such.
        table: The name of the table in schema main.
        columns: Names of columns that hold ids or actions, which a text file may write as no number would be.
        features: Names of columns of which booleans may be words.

    Raises MappingError if the file is of another kind, or if something else has the table's name.
    """
    reader = reader_of(file)
    if reader is None:
        raise MappingError(
            f'--copy imports files that end in {", ".join(READERS)}, and "{file}" does not: leave --copy out'
        )
    relation = as_written(con, f"{reader}({literal(file)})", columns, features)
    name = identifier(table)
    if not _is_there(con, table):
        con.execute(f"CREATE TABLE {name} AS FROM {relation}")
        return True
    if same_rows(con, f"main.{name}", relation):
        return False
    raise MappingError(
        f'"{table}" is there already and does not hold what {file} does: to map it as it is, leave --copy out '
        f"(--events {table}); to have the file's rows, insert them into it, or DROP it first; to map both, give this "
        "one another name (--mapping)"
    )


def _is_there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = """SELECT 1 FROM information_schema.tables
               WHERE table_catalog = current_database() AND table_schema = 'main' AND lower(table_name) = lower(?)"""
    return one(con, query, [table]) is not None


def same_rows(con: duckdb.DuckDBPyConnection, table: str, relation: str) -> bool:
    """Whether both hold the same rows, each as often, in columns of the same names."""
    try:
        if con.sql(f"FROM {table}").columns != con.sql(f"FROM {relation}").columns:
            return False
        row = one(
            con,
            f"""SELECT (SELECT count(*) FROM {table}) = (SELECT count(*) FROM {relation})
                AND NOT EXISTS (FROM {relation} EXCEPT ALL FROM {table})""",
        )
    except duckdb.Error:  # columns that cannot be compared
        return False
    return row is not None and bool(row[0])
