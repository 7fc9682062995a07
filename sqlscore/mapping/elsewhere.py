"""Events that are in no table of the file: tables of DuckDB files and of attached databases, Delta and Iceberg."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from pathlib import Path

import duckdb

from sqlscore.database.attaching import attach, load
from sqlscore.database.queries import one
from sqlscore.errors import MappingError, SourceError
from sqlscore.events.attached import Attached, attached_of
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import SYSTEM, literal, qualified, unquoted

OF_FILE = "read_duckdb("
"""How the relation of a DuckDB file's table begins: the engine opens the file for each query, and keeps no lock."""

_FILE = re.compile(rf"{re.escape(OF_FILE)}'((?:[^']|'')*)'")
_LAKES = {"delta": "delta_scan", "iceberg": "iceberg_scan"}
_MAGIC = (8, b"DUCK")
_SHOWN = 20  # tables that a message names
_SYSTEM_SCHEMAS = ("information_schema", "pg_catalog", "pg_toast")


def databases_of(con: duckdb.DuckDBPyConnection, asked: Dict[str, str], mapping: str) -> tuple[Attached, ...]:
    """Attach the databases that are asked for, and those that the stored mapping of this name reads.

    Args:
        con: A connection to the database.
        asked: Where each is, by the name that begins its tables' names.
        mapping: The name of the mapping.

    Raises MappingError if one cannot be understood, SourceError if one cannot be read.
    """
    given = [attached_of(name, where) for name, where in asked.items()]
    schemas = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
    taken = {name.casefold() for (name,) in con.execute(schemas).fetchall()}
    for database in given:
        if database.name.casefold() in taken:
            raise MappingError(
                f'a schema of this file is called "{database.name}" too: give the attached database another name'
            )
    row = one(con, "SELECT mapping FROM sqlscore.mappings WHERE name = ?", [mapping])
    names = {database.name.casefold() for database in given}
    stored = Mapping.from_json(row[0]).attached if row else ()
    databases = (*given, *(database for database in stored if database.name.casefold() not in names))
    attach(con, databases)
    return databases


def read_by(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[Attached, ...]:
    """Those of `mapping.attached` that it or a view of the user's reads, and the DuckDB files that it or its view does.

    Args:
        con: A connection to the database.
        mapping: The events; if they are composed, the relations that they are made of count.
    """
    parts = mapping.composition
    relations = parts.relations if parts is not None else (mapping.relation,)
    query = """SELECT schema_name, view_name, sql FROM duckdb_views()
               WHERE database_name = current_database() AND NOT internal"""
    views = con.execute(query).fetchall()
    relations = (*relations, *(sql for schema, name, sql in views if qualified(schema, name) in relations))
    texts = [*relations, *(sql for _, _, sql in views)]
    attached = [d for d in mapping.attached if d.name and any(re.search(rf'\b{d.alias}"?\.', text) for text in texts)]
    files = dict.fromkeys(path.replace("''", "'") for path in _FILE.findall(" ".join(relations)))
    return (*attached, *(Attached("", "duckdb", path) for path in files))


def is_duckdb_file(table: str) -> bool:
    """Whether there is a DuckDB file of that name, whatever its ending is."""
    path = Path(table)
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start, magic = _MAGIC
            return file.read(start + len(magic))[start:] == magic
    except OSError:
        return False


def of_duckdb_file(con: duckdb.DuckDBPyConnection, file: str, table_name: str | None) -> str:
    """The relation of a table in a DuckDB file.

    Args:
        con: A connection to the database.
        file: The path of the file.
        table_name: The table, with its schema or without; None if the file has only one.

    Raises MappingError if the file has no such table, or several.
    """
    path = Path(file).absolute()
    here = one(con, "SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    if here and here[0] and Path(here[0]).resolve() == path.resolve():
        raise MappingError(f"{file} is the database itself: map the table by its name alone (--events TABLE)")
    tables = _tables_in(con, path)
    if table_name is None:
        found = tables
    else:
        wanted = table_name.casefold()
        wanted_in = {wanted, unquoted(wanted)}
        found = [t for t in tables if f"{t[0]}.{t[1]}".casefold() in wanted_in]
        found = found or [t for t in tables if t[1].casefold() in wanted_in]
    if len(found) == 1:
        schema, name = found[0]
        return f"{OF_FILE}{literal(str(path))}, schema_name := {literal(schema)}, table_name := {literal(name)})"
    have = _shown([f"{schema}.{name}" for schema, name in tables])
    if not found and table_name is not None:
        raise MappingError(
            f'{file} has no table "{table_name}" (tables: {have}): name one with table_name=... (--table); for a view '
            f"of it, attach the file, attach={{'other': {file!r}}} (--attach other={file}), and map other.VIEW"
        )
    raise MappingError(
        f"{file} is a DuckDB file with {'no table' if not tables else 'several tables'} ({have}): say which one "
        "has the events with table_name=... (--table)"
    )


def of_attached(con: duckdb.DuckDBPyConnection, table: str, databases: Iterable[Attached]) -> str | None:
    """The relation of a table in an attached database; None if the name begins with none of theirs.

    A table of a DuckDB file is read without the attachment, which would keep the file locked.

    Raises MappingError if the database has no such table.
    """
    for database in databases:
        first, dot, _ = table.partition(".")
        if not dot or first.strip('"').casefold() != database.name.casefold():
            continue
        rows = con.execute(
            f"""SELECT schema_name, table_name, true FROM {SYSTEM}.duckdb_tables() WHERE database_name = $1
                UNION ALL SELECT schema_name, view_name, false FROM {SYSTEM}.duckdb_views()
                WHERE database_name = $1 AND NOT internal""",
            [database.alias],
        ).fetchall()
        wanted = {table.casefold(), unquoted(table).casefold()}
        for schema, name, is_base in rows:
            spellings = {f"{database.name}.{schema}.{name}".casefold()}
            if schema in ("main", "public"):
                spellings.add(f"{database.name}.{name}".casefold())
            if wanted.isdisjoint(spellings):
                continue
            if is_base and database.kind == "duckdb" and database.file is not None:
                of_table = f"schema_name := {literal(schema)}, table_name := {literal(name)}"
                return f"{OF_FILE}{literal(database.target)}, {of_table})"
            return qualified(database.alias, schema, name)
        have = _shown([f"{database.name}.{schema}.{name}" for schema, name, _ in rows if schema not in _SYSTEM_SCHEMAS])
        raise MappingError(f'{database} has no table "{table}" (tables and views there: {have}): check the name')
    return None


def tables_of_schema(con: duckdb.DuckDBPyConnection, schema: str, databases: Iterable[Attached]) -> list[str]:
    """The tables and views of a schema of an attached database, "shop.public", as `of_attached` takes them."""
    for database in databases:
        first, dot, name = schema.partition(".")
        if not dot or first.strip('"').casefold() != database.name.casefold():
            continue
        rows = con.execute(
            f"""SELECT schema_name, table_name FROM {SYSTEM}.duckdb_tables() WHERE database_name = $1
                UNION ALL SELECT schema_name, view_name FROM {SYSTEM}.duckdb_views()
                WHERE database_name = $1 AND NOT internal ORDER BY ALL""",
            [database.alias],
        ).fetchall()
        wanted = name.strip('"').casefold()
        return [f"{database.name}.{found}.{table}" for found, table in rows if found.casefold() == wanted]
    return []


def of_lake(con: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """The relation of a Delta or Iceberg table, `delta:PATH`, `iceberg:PATH` or a folder that is one; None if not.

    Raises SourceError if the engine's extension for it cannot be had.
    """
    kind, colon, path = table.partition(":")
    kind = kind.casefold()
    if not colon or kind not in _LAKES:
        folder = Path(table)
        if (folder / "_delta_log").is_dir():
            kind, path = "delta", table
        elif (folder / "metadata").is_dir() and any((folder / "metadata").glob("*.metadata.json")):
            kind, path = "iceberg", table
        else:
            return None
    if "://" not in path:
        if not Path(path).exists():
            raise SourceError(f"there is no {kind} table at {path}: check the path")
        path = str(Path(path).absolute())
    load(con, kind, f"the {kind} table {path}")
    return f"{_LAKES[kind]}({literal(path)})"


def is_table(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether a relation is a table, of the file or of an attached database, which is alike for all who read it."""
    rows = con.execute(
        f"""SELECT database_name = current_database(), database_name, schema_name, table_name
            FROM {SYSTEM}.duckdb_tables()"""
    ).fetchall()
    return any(relation == qualified(*(names[1:] if here else names)) for here, *names in rows)


def _tables_in(con: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    """Schema and name of the tables of a DuckDB file."""
    tables = f"""SELECT schema_name, table_name FROM {SYSTEM}.duckdb_tables()
                 WHERE database_name = ? AND NOT internal ORDER BY ALL"""
    open_already = one(con, f"SELECT database_name FROM {SYSTEM}.duckdb_databases() WHERE path = ?", [str(path)])
    if open_already is not None:
        return con.execute(tables, [open_already[0]]).fetchall()
    try:
        with duckdb.connect() as apart:
            apart.execute(f"ATTACH {literal(str(path))} AS looked_at (READ_ONLY)")
            return apart.execute(tables, ["looked_at"]).fetchall()
    except duckdb.Error as error:
        raise SourceError(
            f"{path} cannot be read: {str(error).partition(chr(10))[0]}; close it where it is open for writing"
        ) from error


def _shown(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(sorted(names)[:_SHOWN]) or "none") + more
