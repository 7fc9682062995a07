"""The macros of a mapping in a database file; functions of the user's own are never overwritten."""

from __future__ import annotations

import duckdb

from sqlscore.database.identity import file_number
from sqlscore.database.macros import names, statements
from sqlscore.errors import InstallError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified


def taken_functions(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    """Names of this mapping's functions that other functions in the file already have."""
    wanted = names(mapping.prefix)
    rows = con.execute(
        """SELECT DISTINCT function_name FROM duckdb_functions()
           WHERE list_contains(?, function_name) AND (database_name = current_database() OR internal)
             AND function_name NOT IN (SELECT function FROM sqlscore.objects)
           ORDER BY function_name""",
        [wanted],
    ).fetchall()
    others = con.execute(
        "SELECT function FROM sqlscore.objects WHERE list_contains(?, function) AND mapping <> ?",
        [wanted, mapping.name],
    ).fetchall()
    return [row[0] for row in rows + others]


def install_functions(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Make the macros of a mapping and note them.

    Raises InstallError if a function of the user's own has one of the names.
    """
    taken = taken_functions(con, mapping)
    if taken:
        raise InstallError(
            f"this file already has functions named {', '.join(taken)}, which sqlscore does not overwrite: "
            f"choose a prefix for sqlscore's, for example map_events(..., prefix='ss_') or --prefix ss_"
        )
    drop_functions(con, mapping.name)
    for statement in statements(mapping, file_number(con)):
        con.execute(statement)
    con.execute(
        "INSERT INTO sqlscore.objects (mapping, function) SELECT ?, unnest(?)",
        [mapping.name, names(mapping.prefix)],
    )


def drop_functions(con: duckdb.DuckDBPyConnection, mapping: str) -> None:
    """Drop the macros that this mapping made."""
    rows = con.execute("SELECT function FROM sqlscore.objects WHERE mapping = ?", [mapping]).fetchall()
    for (name,) in rows:
        con.execute(f"DROP MACRO IF EXISTS {qualified('main', name)}")
    con.execute("DELETE FROM sqlscore.objects WHERE mapping = ?", [mapping])
