"""Databases besides the file: attached for reading whenever something is to read them, detached when nothing does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import SourceError
from sqlscore.events.attached import Attached
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import SYSTEM, identifier, literal
from sqlscore.redaction import scrub

P = ParamSpec("P")
R = TypeVar("R")

_INSTEAD = {
    "postgres": "psql -c \"\\copy (SELECT * FROM clicks) TO 'clicks.csv' CSV HEADER\"",
    "sqlite": 'sqlite3 -csv -header FILE "SELECT * FROM clicks" > clicks.csv',
}
"""How to get the events out of a database without the engine's extension."""

_ONE_AT_A_TIME = threading.Lock()
_SEEN: set[str] = set()
"""Names that this process has attached databases under."""

_FILES: dict[tuple[int, str], tuple[int, int]] = {}
"""Which file an attached name meant: by the oid of the database and its name, so that a replaced file is noticed."""


def attach(con: duckdb.DuckDBPyConnection, databases: Iterable[Attached]) -> None:
    """Attach what is not attached yet, outside the connection's transaction, and see that the rest still answers.

    Raises SourceError, which says what to do, for the first one that cannot be read.
    """
    for database in databases:
        with _ONE_AT_A_TIME, con.cursor() as own:  # of its own: an ATTACH is undone with the transaction it is part of
            _attach(own, database)


def attach_all(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Attach what all mappings of the file read; returns what is wrong with those that cannot be."""
    wrong = []
    for database in _databases(con):
        try:
            attach(con, [database])
        except SourceError as error:
            wrong.append(str(error))
    return wrong


def leave_nothing_unused(
    verb: Callable[Concatenate[duckdb.DuckDBPyConnection, P], R],
) -> Callable[Concatenate[duckdb.DuckDBPyConnection, P], R]:
    """Decorate a verb that changes what is mapped: what no mapping reads when it ends, or fails, is detached."""

    @wraps(verb)
    def run(con: duckdb.DuckDBPyConnection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(con, *args, **kwargs)
        finally:
            with suppress(duckdb.Error):
                used = {database.alias for database in _databases(con)}
                for alias in _SEEN - used:
                    with suppress(duckdb.Error), _ONE_AT_A_TIME, con.cursor() as own:
                        own.execute(f"DETACH DATABASE IF EXISTS {identifier(alias)}")

    return run


def load(con: duckdb.DuckDBPyConnection, extension: str, what: str) -> None:
    """Load an extension of the engine, which downloads it if its settings and the network let it.

    Raises SourceError, which says how to get it, and how to do without.
    """
    try:
        con.execute(f"LOAD {extension}")
    except duckdb.Error as error:
        version, platform = duckdb.__version__, (one(con, "PRAGMA platform") or ("PLATFORM",))[0]
        instead = _INSTEAD.get(extension, "write the events as Parquet with what has them")
        raise SourceError(
            f"{what} needs DuckDB's extension {extension}, which is not on this machine and could not be had "
            f"({_first_line(error)}): run INSTALL {extension} in DuckDB {version} where the network allows it, or copy "
            f"it from one that has it into ~/.duckdb/extensions/v{version}/{platform}/; or do without: {instead}, "
            "and map that file"
        ) from None


def _attach(con: duckdb.DuckDBPyConnection, database: Attached) -> None:
    file = database.file
    if file is not None and not file.is_file():
        raise SourceError(f"{database} is not there: put the file back, or map the events where they are now")
    if not database.name:
        return
    oid = _oid(con, database)
    if oid is not None and _was_replaced(oid, database):
        with suppress(duckdb.Error):
            con.execute(f"DETACH DATABASE {identifier(database.alias)}")
        oid = _oid(con, database)
    if oid is None:
        for extension in database.extensions:
            load(con, extension, str(database))
    try:
        if oid is None:
            _SEEN.add(database.alias)
            con.execute(database.statement)
            _note(_oid(con, database), database)
        elif database.kind == "postgres":
            con.execute("CALL pg_clear_cache()")  # else columns are those of the moment at which it was attached
            con.execute(f"FROM postgres_query({literal(database.alias)}, 'SELECT 1')").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{database} cannot be read: {_first_line(error)}; {_remedy(database, error)}") from None


def _remedy(database: Attached, error: duckdb.Error) -> str:
    text = str(error)
    if "Unique file handle conflict" in text:
        return "this process has it open already: close that connection, or DETACH it"
    if "lock" in text and database.kind == "duckdb":
        return "another process writes to it: close it there, or map a copy"
    if "password" in text or "authentication" in text:
        return (
            "the password is taken from PGPASSWORD, from ~/.pgpass, or from a secret of DuckDB that is named in attach "
            "(duckdb_secret=NAME)"
        )
    if database.kind == "postgres":
        return "see that the server runs and can be reached from here, or map the events where they are now"
    return "mend it, or map the events where they are now"


def _first_line(error: duckdb.Error) -> str:
    return scrub(str(error)).strip().partition("\n")[0].rstrip(".;: ")


def _databases(con: duckdb.DuckDBPyConnection) -> list[Attached]:
    """What the mappings of the file read, each once; none if the file has no mappings."""
    there = """SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()
               AND schema_name = 'sqlscore' AND table_name = 'mappings'"""
    if one(con, there) is None:
        return []
    mappings = [Mapping.from_json(text) for (text,) in con.execute("SELECT mapping FROM sqlscore.mappings").fetchall()]
    return list({database.alias: database for mapping in mappings for database in mapping.attached}.values())


def _oid(con: duckdb.DuckDBPyConnection, database: Attached) -> int | None:
    query = f"SELECT database_oid FROM {SYSTEM}.duckdb_databases() WHERE database_name = ?"
    row = one(con, query, [database.alias])
    return row[0] if row else None


def _inode(database: Attached) -> tuple[int, int] | None:
    if database.file is None:
        return None
    found = database.file.stat()
    return found.st_dev, found.st_ino


def _note(oid: int | None, database: Attached) -> None:
    inode = _inode(database)
    if oid is not None and inode is not None:
        _FILES[oid, database.alias] = inode


def _was_replaced(oid: int, database: Attached) -> bool:
    """Whether another file has the path by now; the engine would read the old one as long as it is attached."""
    inode = _inode(database)
    return inode is not None and _FILES.get((oid, database.alias), inode) != inode
