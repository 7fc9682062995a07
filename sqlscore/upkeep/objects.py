"""Tables, views and macros that somebody dropped, emptied or replaced: made again as sqlscore makes them."""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb

from sqlscore.database.attaching import attach
from sqlscore.database.lost_tables import LOST_WITH, emptied_tables, functions_noted_again
from sqlscore.database.mapping_objects import install_mapping, install_unmapped
from sqlscore.database.objects import installed_version, make_registry, note_version, version
from sqlscore.database.queries import one
from sqlscore.database.unmapped import note_unmapped
from sqlscore.errors import SourceError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.quoting import identifier, qualified
from sqlscore.sql.names import REGISTRY_TABLES, SCHEMA
from sqlscore.upkeep.findings import Findings
from sqlscore.upkeep.score_columns import drop_scores_of

_EXCLUDED = re.compile(r"EXCLUDE \(([^()]*)\)")
_DEFINITIONS = """
    SELECT 'view ' || schema_name || '.' || view_name, sql FROM duckdb_views()
    WHERE database_name = current_database() AND NOT internal
    UNION ALL
    SELECT 'table ' || schema_name || '.' || table_name, '' FROM duckdb_tables()
    WHERE database_name = current_database() AND starts_with(schema_name, 'sqlscore')
    UNION ALL
    SELECT 'macro ' || schema_name || '.' || function_name,
        string_agg(macro_definition, ';' ORDER BY macro_definition) FROM duckdb_functions()
    WHERE database_name = current_database() AND NOT internal AND function_type IN ('macro', 'table_macro')
    GROUP BY schema_name, function_name"""


def mend_registry(con: duckdb.DuckDBPyConnection) -> Findings:
    """Make tables of the registry that are gone, and fill those that others still tell, in the caller's transaction."""
    found = Findings()
    have = {name for (name,) in con.execute(_TABLES, [SCHEMA]).fetchall()}
    missing = [name for name in REGISTRY_TABLES if name not in have]
    there = [name for name in REGISTRY_TABLES if name not in missing]
    before = {name: _count(con, name) for name in there}
    make_registry(con, missing)
    make_registry(con, emptied_tables(con))
    for name in missing:
        found.done.append(f"{SCHEMA}.{name} was gone and is there again{_lost_with(name)}")
    for name, count in before.items():
        if count == 0 < _count(con, name):
            found.done.append(f"{SCHEMA}.{name} was empty and has rows again{_lost_with(name)}")
    if "models" in missing:
        found.lose(f"lost with {SCHEMA}.models are {LOST_WITH['models']}", "sqlscore train DB")
    return found


_TABLES = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ?"


def _lost_with(name: str) -> str:
    """What is lost with a table that was dropped or emptied, for the end of a sentence."""
    bare = name.rpartition(".")[2]
    return f" (lost with it: {LOST_WITH[bare]})" if bare in LOST_WITH else ""


def _count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    return int((one(con, f"SELECT count(*) FROM {qualified(SCHEMA, name)}") or (0,))[0])


class UnboundViewsError(Exception):
    """Views cannot be bound to a mapping's tables of scores; the transaction in which that was tried is over."""

    def __init__(self, mapping: str) -> None:
        super().__init__(f'views cannot be bound to the scores of "{mapping}"')
        self.mapping = mapping


def mend_objects(con: duckdb.DuckDBPyConnection, unbound: Collection[str] = ()) -> Findings:
    """Make all views and macros anew, in the caller's transaction, and say which of them were not as they should be.

    Args:
        con: A connection in a transaction.
        unbound: Names of mappings whose tables of scores are dropped first, since views cannot be bound to them.

    Raises UnboundViewsError if views cannot be bound to those of another mapping, in which somebody changed a column.
    """
    found = Findings()
    before, older = _definitions(con), installed_version(con) != version()
    rows = con.execute("SELECT mapping FROM sqlscore.mappings ORDER BY name").fetchall()
    mappings = [Mapping.from_json(row[0]) for row in rows]
    if functions_noted_again(con, [*(mapping.name for mapping in mappings), DEFAULT_MAPPING]):
        found.done.append("sqlscore.objects did not say which functions are sqlscore's, and says so again")
    if all(mapping.name != DEFAULT_MAPPING for mapping in mappings):
        if mappings or con.execute("SELECT 1 FROM sqlscore.models LIMIT 1").fetchall():
            note_unmapped(con, True)
        install_unmapped(con)
    for mapping in mappings:
        wrong = _why_unreadable(con, mapping)
        if wrong is not None:
            found.lose(f'the events of "{mapping.name}" cannot be read: {wrong}', "sqlscore init DB --events TABLE")
            continue
        if mapping.name in unbound:
            found.add(drop_scores_of(con, mapping))
        try:
            install_mapping(con, mapping)
        except duckdb.BinderException as error:
            if mapping.name in unbound:
                raise
            raise UnboundViewsError(mapping.name) from error
    note_version(con)
    after = _definitions(con)
    if older:
        found.done.append("tables, views and functions are those of this version of sqlscore")
        return found
    found.done += [f"{name} was gone and is there again{_lost_with(name)}" for name in after if name not in before]
    found.done += [
        f"{name} is as sqlscore makes it again" for name, sql in after.items() if before.get(name, sql) != sql
    ]
    return found


def _definitions(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The SQL of all tables, views and macros by kind and name; that of tables is left out.

    The columns of an EXCLUDE are sorted: the engine gives them in another order each time that it reads a file.
    """

    def ordered(excluded: re.Match[str]) -> str:
        return f"EXCLUDE ({', '.join(sorted(excluded[1].split(', ')))})"

    return {name: _EXCLUDED.sub(ordered, sql) for name, sql in con.execute(_DEFINITIONS).fetchall()}


def _why_unreadable(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """Why the mapped relation cannot be bound; None if it can."""
    try:
        attach(con, mapping.attached)
        columns = ", ".join(identifier(name) for name in mapping.read_columns)
        con.sql(f"SELECT {columns} FROM {mapping.relation} LIMIT 0")
    except (duckdb.Error, SourceError) as error:
        return str(error).partition("\n")[0]
    return None
