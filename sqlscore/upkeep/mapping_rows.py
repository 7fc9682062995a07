"""Mappings and profiles that cannot be read: found again in what the file noted elsewhere, or counted anew."""

from __future__ import annotations

import json

import duckdb

from sqlscore.database.materialized import is_table
from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.errors import InstallError, MappingError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.watch import MAPPED, forget_profiles, read_profiles, watch, write_profile
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import MARK_TABLE
from sqlscore.sql.names import SCHEMA
from sqlscore.upkeep.findings import Findings


def mend_mappings(con: duckdb.DuckDBPyConnection) -> Findings:
    """Put mappings that cannot be read, or are gone, back as the newest record says, in the caller's transaction.

    A record is the report of the same row, what `map_events` noted of its runs, or what the last refresh had read.
    """
    found = Findings()
    rows = con.execute("SELECT name, mapping, report FROM sqlscore.mappings ORDER BY name").fetchall()
    readable = {name for name, text, _ in rows if (parsed := _parsed(text)) is not None and parsed.name == name}
    recorded = _recorded(con)
    for name, _, report in rows:
        if name in readable:
            continue
        known = _of_report(report, name) or recorded.get(name) or _of_refresh(con, name)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [name])
        if known is None:
            found.done.append(f'the row of sqlscore.mappings for "{name}" was taken out: it does not hold a mapping')
            found.lose(f'which events are mapped as "{name}" is lost', "sqlscore init DB --events TABLE")
        else:
            _put_back(con, known, report)
            found.done.append(f'the mapping "{name}" is as it was recorded: {known.relation}')
    for name in sorted(set(recorded) - {name for name, _, _ in rows}):
        _put_back(con, recorded[name], None)
        found.done.append(f'the mapping "{name}" was gone, and is as it was recorded: {recorded[name].relation}')
    for name in _unmapped_models(con):
        found.lose(
            f'which events are mapped as "{name}" is lost, and nothing records it', "sqlscore init DB --events TABLE"
        )
    return found


def _unmapped_models(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names that models were trained under, that nobody unmapped, and that no mapping has."""
    rows = con.execute(
        """SELECT DISTINCT m.mapping FROM sqlscore.models m
           WHERE NOT EXISTS (SELECT 1 FROM sqlscore.mappings p WHERE p.name = m.mapping)
             AND NOT EXISTS (SELECT 1 FROM sqlscore.runs r WHERE r.mapping = m.mapping AND r.verb = 'unmap')
           ORDER BY ALL"""
    ).fetchall()
    return [name for (name,) in rows]


def mend_profiles(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Findings:
    """Count the events of a mapping anew where its profiles are gone or cannot be read, in the caller's transaction.

    Raises duckdb.Error if the events cannot be read.
    """
    found = Findings()
    try:
        counted = read_profiles(con, mapping.name).mapped is not None
    except InstallError:
        counted = False
    if not counted:
        seen = watch(con, mapping)
        forget_profiles(con, mapping.name)
        write_profile(con, mapping.name, MAPPED, seen, ())
        found.done.append(f'what the guards compare with was counted anew in the events of "{mapping.name}"')
    return found


def _put_back(con: duckdb.DuckDBPyConnection, mapping: Mapping, report: str | None) -> None:
    con.execute(
        "INSERT INTO sqlscore.mappings (name, mapping, report, mapped_at) VALUES (?, ?, ?, ?)",
        [mapping.name, mapping.to_json(), report, now()],
    )


def _parsed(text: str | None) -> Mapping | None:
    try:
        return Mapping.from_json(text or "")
    except MappingError:
        return None


def _of_report(report: str | None, name: str) -> Mapping | None:
    try:
        fields = json.loads(report or "")["mapping"]
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(fields, dict):
        return None
    found = _parsed(json.dumps({key: value for key, value in fields.items() if value is not None}))
    return found if found is not None and found.name == name else None


def _recorded(con: duckdb.DuckDBPyConnection) -> dict[str, Mapping]:
    """The mappings that the record of runs says are there: mapped, and not unmapped since."""
    rows = con.execute(
        """SELECT mapping, max_by(verb, started_at), max_by(details, started_at) FILTER (verb = 'map_events'
               AND (details -> 'mapping') IS NOT NULL)
           FROM sqlscore.runs WHERE verb IN ('map_events', 'unmap') AND status = 'ok' GROUP BY mapping"""
    ).fetchall()
    known = {name: _of_report(details, name) for name, verb, details in rows if verb == "map_events"}
    return {name: mapping for name, mapping in known.items() if mapping is not None}


def _of_refresh(con: duckdb.DuckDBPyConnection, name: str) -> Mapping | None:
    schema = SCHEMA if name == "events" else f"{SCHEMA}_{name}"
    if not is_table(con, schema, MARK_TABLE):
        return None
    try:
        row = one(con, f"SELECT mapping FROM {qualified(schema, MARK_TABLE)}")
    except duckdb.BinderException:  # which somebody changed too
        return None
    found = _parsed(row[0]) if row else None
    return found if found is not None and found.name == name else None
