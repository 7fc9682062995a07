"""A selection that stays: an ordinary view in the database file."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import InstallError
from sqlscore.excerpts import engine_message
from sqlscore.quoting import identifier
from sqlscore.webapp.opening import Database

_MARK = "Customers chosen in the app of sqlscore."


def save_view(database: Database, name: str, sql: str) -> None:
    """Make a view of customers, or put another in place of one that was made here.

    Args:
        database: the file, which is opened for writing for a moment.
        name: of the view, in the schema main.
        sql: its query, without parameters.

    Raises InstallError if the name is empty or taken by something else, or if another process holds the file.
    """
    name = name.strip()
    if not name:
        raise InstallError("the view needs a name: write one, for example customers_to_call")
    with database.written() as con:
        taken = one(
            con,
            """SELECT kind, remark FROM (
                   SELECT 'view' AS kind, view_name AS name, schema_name, comment AS remark
                   FROM duckdb_views() WHERE database_name = current_database()
                   UNION ALL
                   SELECT 'table', table_name, schema_name, comment
                   FROM duckdb_tables() WHERE database_name = current_database())
               WHERE schema_name = 'main' AND lower(name) = lower(?)""",
            [name],
        )
        if taken and not (taken[0] == "view" and taken[1] == _MARK):
            raise InstallError(
                f'there is a {taken[0]} "{name}" already, which the app did not make: choose another name'
            )
        view = f"main.{identifier(name)}"
        con.begin()
        try:
            con.execute(f"CREATE OR REPLACE VIEW {view} AS {sql}")
            con.execute(f"COMMENT ON VIEW {view} IS '{_MARK}'")
            con.commit()
        except duckdb.Error as error:
            con.rollback()
            raise InstallError(f'the view "{name}" cannot be made: {engine_message(error)}') from error
