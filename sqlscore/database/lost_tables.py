"""Tables and views of sqlscore that somebody dropped or emptied: which, what is lost, and what is made anew."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sqlscore.database.composition import VIEW
from sqlscore.database.composition.attributes import ATTRIBUTES_VIEW
from sqlscore.database.high_water import GROUPS, USER_GROUPS
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier
from sqlscore.sql.names import REGISTRY_TABLES, SCHEMA
from sqlscore.sql.objects import objects
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
    "event_profiles": "what the events were like at mapping, which is counted anew by the next sqlscore init",
    "leaderboard": "the newest comparison: compare again (sqlscore compare)",
    "playbook": "its rows, in place of which there are the usual ones",
    "past_scores": "the scores that were kept; those of later refreshes with --keep-history are kept anew",
    "changed_users": "whose events changed since the last refresh: the next one compares all events",
    "scored_labels": "what fine-tuned heads say of all users, which the next refresh makes anew",
    "label_backtests": "how good heads were at past moments, which sqlscore backtest makes anew",
    "segment_value_at_risk": "what may be lost by segment, which the next refresh makes anew",
    "user_vectors": "stored vectors of users, which sqlscore refresh --vectors makes anew",
    "user_signals": "what the newest advice rests on, which sqlscore advise makes anew",
    "recommendations": "the newest advice, which sqlscore advise makes anew",
    "interventions": "who was assigned to what so far, and with it what came of it",
}
"""What is lost with a table, and what mends that."""

FROM_THE_START = ("meta", "mappings", "models", "versions", "aliases", "runs", "objects", "policy")
"""Tables that files of every version have; others are new in an older file, not lost."""

NEEDED = ("meta", "mappings", "models", "aliases", "runs")
"""Tables without which nothing works."""


def missing_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of the registry, and the tables and views of the mappings, that the file lacks.

    Those in schema sqlscore are bare names, others begin with their schema. None if there is no registry at all. Tables
    of scores are not among them: before a refresh there are none, and `lost_rows` knows what the last one wrote.
    """
    rows = con.execute(
        """SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()
           UNION ALL SELECT schema_name, view_name FROM duckdb_views()
           WHERE database_name = current_database() AND NOT internal"""
    ).fetchall()
    have = {(schema, name) for schema, name in rows}
    registry = [name for name in REGISTRY_TABLES if (SCHEMA, name) not in have]
    if not any((SCHEMA, name) in have for name in FROM_THE_START):
        return []
    return registry + ([] if "mappings" in registry else _missing_of_mappings(con, have))


def emptied_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables of the registry that hold nothing of what other tables and functions say that they held.

    Args:
        con: A connection to a file that lacks no table of the registry.
    """
    return [
        name
        for name, query in _RESTORED.items()
        if one(con, f"FROM {SCHEMA}.{identifier(name)} LIMIT 1") is None and one(con, query, _BOUND[name]) is not None
    ]


def _missing_of_mappings(con: duckdb.DuckDBPyConnection, have: set[tuple[str, str]]) -> list[str]:
    names = [
        "leaderboard",
        "playbook",
        "events",
        "high_water",
        GROUPS,
        USER_GROUPS,
        *(item.name for item in objects() if item.kind == "view"),
    ]
    rows = con.execute("SELECT mapping FROM sqlscore.mappings ORDER BY name").fetchall()
    mappings = [Mapping.from_json(text) for (text,) in rows]
    return [
        name if mapping.schema == SCHEMA else f"{mapping.schema}.{name}"
        for mapping in mappings
        for name in [*names, *_of_composition(mapping)]
        if (mapping.schema, name) not in have and name not in _OF_A_REFRESH
    ]


def _of_composition(mapping: Mapping) -> list[str]:
    parts = mapping.composition
    if parts is None:
        return []
    return [VIEW, ATTRIBUTES_VIEW] if parts.users is not None else [VIEW]


_OF_A_REFRESH = ("scored_users", "scored_sessions")


def explain(names: Sequence[str], state: str = "gone") -> str:
    """One sentence on tables and views that are gone, or empty: what is lost with each."""
    said = "; ".join(f"{name if '.' in name else f'{SCHEMA}.{name}'} ({_loss(name)})" for name in names)
    one, several = ("a table", "tables") if all(_is_table(name) for name in names) else ("a view", "tables or views")
    return f"{several if len(names) > 1 else one} of sqlscore {'are' if len(names) > 1 else 'is'} {state}: {said}"


def _is_table(name: str) -> bool:
    return name in REGISTRY_TABLES or name.rpartition(".")[2] in LOST_WITH


def _loss(name: str) -> str:
    return LOST_WITH.get(name.rpartition(".")[2], "which is made anew")


_RESTORED = {
    "versions": "SELECT name, max(version) AS newest FROM sqlscore.models GROUP BY name",
    "aliases": """
        SELECT m.mapping, 'champion' AS alias, m.name, m.version
        FROM sqlscore.models m JOIN sqlscore.champions c
          ON c.mapping = m.mapping AND c.model = concat(m.name, '@', m.version)
        WHERE c.until IS NULL""",
    "objects": """
        SELECT DISTINCT coalesce(p.name, 'events') AS mapping, f.function_name AS function
        FROM duckdb_functions() f
        LEFT JOIN (SELECT name, mapping ->> 'prefix' AS prefix FROM sqlscore.mappings) p
          ON p.prefix <> '' AND starts_with(f.function_name, p.prefix)
        WHERE f.database_name = current_database() AND f.schema_name = 'main'
          AND contains(f.macro_definition, ?)""",
}
"""Tables that can be filled again, with the rows that other tables and functions still tell."""

_BOUND = {"versions": [], "aliases": [], "objects": [PREFIX]}


def restore(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Fill tables that were made anew, or emptied, with what other tables still say, in the caller's transaction."""
    for name, query in _RESTORED.items():
        if name in names:
            con.execute(f"INSERT INTO {SCHEMA}.{identifier(name)} BY NAME {query}", _BOUND[name])


def functions_noted_again(con: duckdb.DuckDBPyConnection, mappings: Sequence[str]) -> bool:
    """Note anew which functions are sqlscore's if some are not noted under one of these mappings, and say whether.

    They would pass for the user's own, which are never overwritten. In the caller's transaction.
    """
    unnoted = f"""SELECT 1 FROM ({_RESTORED["objects"]}) AS made
                  WHERE made.function NOT IN (SELECT function FROM sqlscore.objects WHERE list_contains(?, mapping))"""
    if one(con, unnoted, [*_BOUND["objects"], list(mappings)]) is None:
        return False
    con.execute("DELETE FROM sqlscore.objects")
    restore(con, ["objects"])
    return True
