"""Tables of the registry that somebody dropped: which, what is lost with them, and what is made anew."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sqlscore.sql.names import REGISTRY_TABLES, SCHEMA
from sqlscore.udfs.functions import PREFIX

LOST_WITH = {
    "meta": "the version of sqlscore's objects, which is noted anew",
    "mappings": "which events are mapped: map them again (sqlscore init, or map_events)",
    "models": "all models: train again (sqlscore train), or import one that was exported (sqlscore import)",
    "versions": "the numbers that were given to models, which are counted anew",
    "aliases": "which models are champions: sqlscore.champions restores it, or else sqlscore promote does",
    "champions": "who was champion when, which begins anew",
    "runs": "what was run so far; the record begins anew",
    "objects": "which functions sqlscore made, which are found again",
    "policy": "when to train again: set it again (set_policy)",
    "guards": "thresholds of the guards that were changed: change them again",
}
"""What is lost with a table, and what mends that."""

FROM_THE_START = ("meta", "mappings", "models", "versions", "aliases", "runs", "objects", "policy")
"""Tables that files of every version have; others are new in an older file, not lost."""

NEEDED = ("meta", "mappings", "models", "aliases", "runs")
"""Tables without which nothing works."""


def missing_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of the registry that the file lacks; none if it has no registry at all."""
    rows = con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ?", [SCHEMA]
    ).fetchall()
    have = {row[0] for row in rows}
    return [name for name in REGISTRY_TABLES if name not in have] if have & set(FROM_THE_START) else []


def explain(names: Sequence[str]) -> str:
    """One sentence on tables that are gone: what is lost with each."""
    said = "; ".join(
        f"{SCHEMA}.{name} ({LOST_WITH.get(name, 'what was noted in it, which begins anew')})" for name in names
    )
    return f"{'tables' if len(names) > 1 else 'a table'} of sqlscore {'are' if len(names) > 1 else 'is'} gone: {said}"


def restore(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Fill tables that were made anew with what other tables still say, inside the caller's transaction."""
    if "versions" in names:
        con.execute("INSERT INTO sqlscore.versions SELECT name, max(version) FROM sqlscore.models GROUP BY name")
    if "aliases" in names:
        con.execute(
            """INSERT INTO sqlscore.aliases
               SELECT m.mapping, 'champion', m.name, m.version
               FROM sqlscore.models m JOIN sqlscore.champions c
                 ON c.mapping = m.mapping AND c.model = concat(m.name, '@', m.version)
               WHERE c.until IS NULL"""
        )
    if "objects" in names:
        con.execute(
            """INSERT INTO sqlscore.objects
               SELECT DISTINCT coalesce(p.name, 'events'), f.function_name
               FROM duckdb_functions() f
               LEFT JOIN (SELECT name, mapping ->> 'prefix' AS prefix FROM sqlscore.mappings) p
                 ON p.prefix <> '' AND starts_with(f.function_name, p.prefix)
               WHERE f.database_name = current_database() AND f.schema_name = 'main'
                 AND contains(f.macro_definition, ?)""",
            [PREFIX],
        )
