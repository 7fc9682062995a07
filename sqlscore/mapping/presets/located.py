"""Tables of an export that are in another database: of a DuckDB file, or of one that is attached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from sqlscore.errors import MappingError
from sqlscore.events.attached import Attached
from sqlscore.mapping.elsewhere import is_duckdb_file, of_attached, of_duckdb_file, tables_of_schema


class Elsewhere(str):
    """SQL that stands in a FROM clause, in place of what the user called the table.

    Attributes:
        table: the name of the table, by which an export of several tables tells which one it is.
    """

    table: str

    def __new__(cls, relation: str, table: str) -> Elsewhere:
        """The relation, with the name of its table."""
        found = super().__new__(cls, relation)
        found.table = table
        return found


def located(
    con: duckdb.DuckDBPyConnection, paths: Sequence[str], databases: Iterable[Attached], table_name: str | None
) -> list[str]:
    """What an export consists of, with the tables of other databases in place of their names.

    Args:
        con: A connection to the database.
        paths: As the user named them. Of an attached database a schema stands for all its tables.
        databases: Those that are attached, whose tables begin with their names.
        table_name: Which table is meant if a path is a DuckDB file.

    Raises MappingError if there is no such table.
    """
    databases = tuple(databases)
    found: list[str] = []
    for path in paths:
        inside = tables_of_schema(con, path, databases)
        names = inside or [path]
        relations = [of_attached(con, name, databases) for name in names]
        if relations[0] is None and is_duckdb_file(path):
            relations = [of_duckdb_file(con, path, table_name)]
            names = [table_name or path]
        elif table_name is not None:
            raise MappingError(
                f'"{path}" is not a DuckDB file, and table_name (--table) says which table of one is meant: leave it '
                "out, or name the table itself"
            )
        for name, relation in zip(names, relations, strict=True):
            found.append(path if relation is None else Elsewhere(relation, name.rpartition(".")[2].strip('"')))
    return found
