"""A copy of a database file without the holes that deleted rows left, put in the place of the file."""

from __future__ import annotations

import re
import shutil
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import duckdb

from sqlscore.database.attaching import attach
from sqlscore.errors import InstallError, SourceError
from sqlscore.events.mapping import Mapping
from sqlscore.files import flush
from sqlscore.publishing.leftovers import writing_beside
from sqlscore.quoting import identifier, literal

_OLD, _NEW = "sqlscore_old", "sqlscore_new"
_EXCLUDED = re.compile(r"EXCLUDE \(([^()]*)\)")

_CATALOG = {
    "tables": "SELECT schema_name, table_name, sql, comment FROM duckdb_tables()",
    "columns": "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns()",
    "views": "SELECT schema_name, view_name, sql, comment FROM duckdb_views()",
    "functions": "SELECT schema_name, function_name, parameters, macro_definition, comment FROM duckdb_functions()",
    "sequences": """SELECT schema_name, sequence_name, start_value, increment_by, min_value, max_value, cycle,
                        last_value FROM duckdb_sequences()""",
    "indexes": "SELECT schema_name, table_name, index_name, sql FROM duckdb_indexes()",
    "types": "SELECT schema_name, type_name, logical_type, labels FROM duckdb_types()",
    "constraints": "SELECT schema_name, table_name, constraint_text FROM duckdb_constraints()",
    "triggers": "SELECT schema_name, table_name, trigger_name, sql FROM duckdb_triggers()",
}
"""Everything that a database holds besides rows, by kind."""


def rewrite(path: Path, prepare: duckdb.DuckDBPyConnection) -> None:
    """Copy the database into a new file, compare all that is in both, and put the new file in place of the old one.

    The old file is open for reading until the new one has its name, so that nobody writes to it meanwhile. Readers that
    have it open go on with the old one.

    Args:
        path: The file, which no connection of this process has open.
        prepare: A connection to a database in memory that has the functions of sqlscore.

    Raises InstallError if the copy is not what the file is, which then stays as it was.
    """
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{uuid4().hex[:8]}.new")
    with writing_beside(target, partial), closing(prepare) as con:
        try:
            con.execute(f"ATTACH {literal(str(target))} AS {_OLD} (READ_ONLY)")
            con.execute(f"ATTACH {literal(str(partial))} AS {_NEW}")
            _attach_sources(con)
            con.execute(f"COPY FROM DATABASE {_OLD} TO {_NEW}")
            _copy_triggers(con)
            differs = [kind for kind in _CATALOG if _listed(con, kind, _OLD) != _listed(con, kind, _NEW)]
            differs += [
                f"rows of {name}" for name in _tables(con) if _summed(con, name, _OLD) != _summed(con, name, _NEW)
            ]
            if differs:
                raise InstallError(f"{path} was not rewritten, and is as it was: a copy has other {', '.join(differs)}")
            con.execute(f"DETACH {_NEW}")
            if Path(f"{target}.wal").exists():
                raise InstallError(f"{path} was not rewritten, and is as it was: another process wrote to it")
            shutil.copymode(target, partial)
            flush(partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
            Path(f"{partial}.wal").unlink(missing_ok=True)


def _copy_triggers(con: duckdb.DuckDBPyConnection) -> None:
    """Make the triggers, which COPY FROM DATABASE leaves out; their tables are named without a schema."""
    query = "SELECT schema_name, sql FROM duckdb_triggers() WHERE database_name = ?"
    for schema, sql in con.execute(query, [_OLD]).fetchall() if _has_triggers(con) else ():
        con.execute(f"USE {_NEW}.{identifier(schema)}")
        con.execute(sql)
    con.execute("USE memory")


def _has_triggers(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether this engine has them at all."""
    return bool(con.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = 'duckdb_triggers'").fetchall())


def _attach_sources(con: duckdb.DuckDBPyConnection) -> None:
    """Attach what views of the mapped events read besides the file; where that fails, the comparison says so."""
    for (text,) in con.execute(f"SELECT mapping FROM {_OLD}.sqlscore.mappings").fetchall():
        with suppress(SourceError):
            attach(con, Mapping.from_json(text).attached)


def _listed(con: duckdb.DuckDBPyConnection, kind: str, database: str) -> list[tuple[str, ...]]:
    if kind == "triggers" and not _has_triggers(con):
        return []
    rows = con.execute(f"{_CATALOG[kind]} WHERE database_name = ?", [database]).fetchall()
    return sorted(tuple(_plain(str(value), database) for value in row) for row in rows)


def _plain(text: str, database: str) -> str:
    """Without the name of the database, and the columns of an EXCLUDE sorted: the engine gives them in any order."""
    bare = text.replace(f"{database}.", "")
    return _EXCLUDED.sub(lambda found: f"EXCLUDE ({', '.join(sorted(found[1].split(', ')))})", bare)


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL"
    return [f"{identifier(schema)}.{identifier(name)}" for schema, name in con.execute(query, [_OLD]).fetchall()]


def _summed(con: duckdb.DuckDBPyConnection, name: str, database: str) -> tuple[object, ...]:
    """The number of rows, and the XOR and the sum of their hashes."""
    query = f"SELECT count(*), bit_xor(hash(t)), sum(hash(t)) FROM {database}.{name} AS t"
    return tuple(con.execute(query).fetchall()[0])
