"""The macros of a mapping in a database file; functions of the user's own are never overwritten."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.identity import file_number
from sqlscore.database.macros import names, statements
from sqlscore.errors import InstallError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified


@dataclass(frozen=True)
class FunctionsHere:
    """The functions that a file has, as one look at the engine's list shows them, which is long.

    Attributes:
        macros: (schema, name) of those in the file.
        taken: Names of a mapping's functions that are not its own.
    """

    macros: frozenset[tuple[str, str]]
    taken: tuple[str, ...]


def functions_here(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> FunctionsHere:
    """The functions in the file, and which names of this mapping's functions other functions already have."""
    wanted = names(mapping.prefix)
    rows = con.execute(
        """SELECT DISTINCT schema_name, function_name, database_name = current_database() FROM duckdb_functions()
           WHERE database_name = current_database() OR (internal AND list_contains(?, function_name))""",
        [wanted],
    ).fetchall()
    noted = con.execute("SELECT function, mapping FROM sqlscore.objects").fetchall()
    own = {function for function, _ in noted}
    taken = sorted({name for _, name, _ in rows if name in wanted and name not in own})
    taken += [function for function, of in noted if function in wanted and of != mapping.name]
    return FunctionsHere(frozenset((schema, name) for schema, name, in_file in rows if in_file), tuple(taken))


def refuse_taken(here: FunctionsHere) -> None:
    """Raise InstallError if a function of the user's own has one of the names."""
    if here.taken:
        raise InstallError(
            f"this file already has functions named {', '.join(here.taken)}, which sqlscore does not overwrite: "
            f"choose a prefix for sqlscore's, for example map_events(..., prefix='ss_') or --prefix ss_"
        )


def install_functions(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, here: FunctionsHere, before: Mapping | None = None
) -> None:
    """Make the macros of a mapping and note them; those whose text is still the same stay.

    Args:
        con: A connection in a transaction.
        mapping: Whose functions they are.
        here: The functions in the file.
        before: The mapping of the same name that those in the file were made for, by this version of sqlscore.
    """
    file = file_number(con)
    rows = con.execute("SELECT function FROM sqlscore.objects WHERE mapping = ?", [mapping.name]).fetchall()
    noted, wanted = {name for (name,) in rows}, names(mapping.prefix)
    there = {name for name in noted if ("main", name) in here.macros}
    same = {made.name: made for made in statements(before, file) if made.name in there} if before is not None else {}
    for name in noted.difference(wanted):
        con.execute(f"DROP MACRO IF EXISTS {qualified('main', name)}")
    for made in statements(mapping, file):
        if same.get(made.name) != made:
            con.execute(made.text)
            con.execute(made.comment)
    if noted != set(wanted):
        con.execute("DELETE FROM sqlscore.objects WHERE mapping = ?", [mapping.name])
        con.execute("INSERT INTO sqlscore.objects (mapping, function) SELECT ?, unnest(?)", [mapping.name, wanted])


def drop_functions(con: duckdb.DuckDBPyConnection, mapping: str) -> None:
    """Drop the macros that this mapping made."""
    rows = con.execute("SELECT function FROM sqlscore.objects WHERE mapping = ?", [mapping]).fetchall()
    for (name,) in rows:
        con.execute(f"DROP MACRO IF EXISTS {qualified('main', name)}")
    con.execute("DELETE FROM sqlscore.objects WHERE mapping = ?", [mapping])
