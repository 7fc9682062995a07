"""What sqlscore reads of its own tables is checked once: columns that are gone, values that cannot be its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import duckdb

from sqlscore.database.lost_tables import LOST_WITH
from sqlscore.database.queries import one
from sqlscore.errors import DamagedTableError
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.sql.names import REGISTRY_TABLES, SCHEMA
from sqlscore.sql.objects import table


@dataclass(frozen=True)
class Rule:
    """What must not be in a column of a table, in SQL that is never NULL."""

    table: str
    column: str
    wrong: str
    expected: str
    remedy: str = ""  # SQL that mends it; by default the rows are deleted
    once: tuple[str, ...] = ()  # columns in which no two rows agree; then all but one are too many


def _named(table: str, *columns: str) -> tuple[Rule, ...]:
    return tuple(Rule(table, column, f"coalesce({column}, '') = ''", "a name") for column in columns)


def _numbered(table: str, column: str) -> Rule:
    return Rule(table, column, f"coalesce({column}, 0) < 1", "a number from 1 on")


def _timed(table: str, column: str, remedy: str = "") -> Rule:
    return Rule(table, column, f"{column} IS NULL OR NOT isfinite({column})", "a time", remedy)


def _is_object(table: str, column: str) -> Rule:
    wrong = f"coalesce(json_type({column}) NOT IN ('OBJECT', 'NULL'), false)"
    return Rule(table, column, wrong, "a JSON object", f"UPDATE sqlscore.{table} SET {column} = NULL")


def _finite(table: str, column: str, value: str) -> Rule:
    wrong = f"coalesce(NOT isfinite({column}), false)"
    return Rule(table, column, wrong, "a finite one", f"UPDATE sqlscore.{table} SET {column} = {value}")


def _once(table: str, column: str, *beside: str) -> Rule:
    """No two rows agree in these columns."""
    same = " AND ".join(f"o.{name} = {table}.{name}" for name in (column, *beside))
    return Rule(
        table,
        column,
        f"(SELECT count(*) FROM sqlscore.{table} AS o WHERE {same}) > 1",
        "it in one row only",
        once=(column, *beside),
    )


RULES = (
    Rule("meta", "key", "key IS NULL", "a name"),
    Rule(
        "meta",
        "value",
        "coalesce(key IN ('file', 'tables') AND coalesce(TRY_CAST(value AS BIGINT), -1) < 0, false)",
        "a number",
    ),
    *_named("mappings", "name"),
    _once("mappings", "name"),
    _is_object("mappings", "report"),
    *_named("models", "name", "mapping"),
    _numbered("models", "version"),
    _once("models", "version", "name"),
    Rule("models", "architecture", "coalesce(architecture, '') = ''", "a name",
         "UPDATE sqlscore.models SET architecture = 'unknown'"),
    _is_object("models", "metrics"),
    _finite("models", "trained_from", "NULL"),
    _finite("models", "trained_to", "NULL"),
    _timed("models", "created_at", "UPDATE sqlscore.models SET created_at = current_localtimestamp()"),
    *_named("versions", "name"),
    _numbered("versions", "newest"),
    *_named("aliases", "mapping", "alias", "name"),
    _numbered("aliases", "version"),
    *_named("champions", "mapping", "model"),
    _timed("champions", "since"),
    *_named("runs", "verb"),
    _timed("runs", "started_at"),
    _is_object("runs", "details"),
    *_named("objects", "mapping", "function"),
    *(
        _finite("policy", column, "DEFAULT")
        for column in ("retrain_after_days", "retrain_drift_psi", "drift_days", "retrain_pause_hours", "promote_within")
    ),
    Rule("guards", "threshold", "isnan(threshold)", "a number"),
    *_named("event_profiles", "mapping", "verb"),
    _timed("event_profiles", "taken_at"),
)  # fmt: skip
"""What other code relies on. Whether a mapping, a manifest or an artifact can be read is seen where it is read."""

LOST_WITH_ROW = {
    "meta": "a note of sqlscore's own, which is made anew",
    "mappings": "which events are mapped: map them again (sqlscore init, or map_events)",
    "models": "the model: train again (sqlscore train), or import one that was exported (sqlscore import)",
    "versions": "the number that was given last, which is counted anew",
    "aliases": "which model is champion: choose one again (sqlscore promote)",
    "champions": "who was champion then",
    "runs": "the record of that run",
    "objects": "which function is sqlscore's, which is found again",
    "guards": "the guard, which is made anew with its usual threshold",
    "event_profiles": "what was counted then, which the next sqlscore init or refresh counts anew",
}
"""What is lost with a row that is deleted."""

KEPT = ("mappings", "models", "champions", "runs")
"""Tables that nothing can fill again: a column that is gone is added to them, others are dropped and made anew."""


def require_sound(con: duckdb.DuckDBPyConnection) -> None:
    """Look at all tables of the registry that are there.

    Raises DamagedTableError, which names table, column, value, what is lost and what mends it.
    """
    found = dict(_columns(con))
    for name in REGISTRY_TABLES:
        if name in found:
            _require_columns(name, found[name])
    checks = [f"SELECT 1 FROM {qualified(SCHEMA, name)} WHERE {_any_wrong(name)}" for name in found]
    if checks and one(con, f"{' UNION ALL '.join(checks)} LIMIT 1") is not None:
        _refuse(con, [rule for rule in RULES if rule.table in found])


def _any_wrong(name: str) -> str:
    return " OR ".join(f"({rule.wrong})" for rule in RULES if rule.table == name)


@cache
def columns_of_table(name: str) -> dict[str, str]:
    """The types of a table's columns, as its text creates them."""
    body = table(name).text.partition(");")[0]
    return dict(re.findall(r"^    (\w+) ([A-Z]+)", body, re.MULTILINE))


def _columns(con: duckdb.DuckDBPyConnection) -> list[tuple[str, dict[str, str]]]:
    """Names and types of the columns of each table. The engine's list of columns would bind all views of the file."""
    rows = con.execute(
        """SELECT table_name FROM duckdb_tables()
           WHERE database_name = current_database() AND schema_name = ? AND list_contains(?, table_name)""",
        [SCHEMA, list(REGISTRY_TABLES)],
    ).fetchall()
    if not rows:
        return []
    names = [identifier(name) for (name,) in rows]
    tables = ", ".join(f"{qualified(SCHEMA, name)} AS {identifier(name)}" for (name,) in rows)
    relation = con.sql(f"SELECT {', '.join(names)} FROM {tables}")  # bound, and never read
    return [
        (name, {column: str(kind) for column, kind in row.children})
        for name, row in zip(relation.columns, relation.types, strict=True)
    ]


@dataclass(frozen=True)
class WrongColumn:
    """A column that is gone, or has another type."""

    table: str
    column: str
    kind: str  # the type that it should have
    found: str | None  # the type that it has; None if it is gone


def wrong_columns(con: duckdb.DuckDBPyConnection) -> list[WrongColumn]:
    """The columns of the registry's tables that are not as sqlscore made them. Other columns are nobody's concern."""
    found = dict(_columns(con))
    return [wrong for name in REGISTRY_TABLES if name in found for wrong in _wrong_columns_of(name, found[name])]


def _wrong_columns_of(name: str, have: dict[str, str]) -> list[WrongColumn]:
    return [
        WrongColumn(name, column, kind, have.get(column))
        for column, kind in columns_of_table(name).items()
        if have.get(column) != kind
    ]


def _require_columns(name: str, have: dict[str, str]) -> None:
    for wrong in _wrong_columns_of(name, have):
        place, to_mend = f"column {wrong.column} of {SCHEMA}.{name}", qualified(SCHEMA, name)
        if wrong.found is None:
            mend = f"ALTER TABLE {to_mend} ADD COLUMN {identifier(wrong.column)} {wrong.kind}"
            said = f"{place} is gone, and with it what stood there"
        else:
            mend = f"ALTER TABLE {to_mend} ALTER {identifier(wrong.column)} TYPE {wrong.kind}"
            said = f"{place} has type {wrong.found}, and not {wrong.kind}"
        if name not in KEPT:
            mend = f"DROP TABLE {to_mend}"
            said = f"{said}; the table is made anew if it is dropped, but without {LOST_WITH[name]}"
        raise DamagedTableError(_sentence(said, mend))


def _refuse(con: duckdb.DuckDBPyConnection, rules: list[Rule]) -> None:
    """Name the first value that is wrong."""
    for rule in rules:
        column, name = identifier(rule.column), qualified(SCHEMA, rule.table)
        row = one(con, f"SELECT count(*), CAST(first({column}) AS VARCHAR) FROM {name} WHERE {rule.wrong}")
        if row is None or not row[0]:
            continue
        lost = "that value is lost" if rule.remedy else f"lost is {LOST_WITH_ROW[rule.table]}"
        rows = "1 row" if row[0] == 1 else f"{row[0]} rows"
        wrong = (
            f"{rows} of {SCHEMA}.{rule.table} with {rule.column} = {_shown(row[1])}, expected {rule.expected}: {lost}"
        )
        mend = rule.remedy or f"DELETE FROM {SCHEMA}.{rule.table}"
        raise DamagedTableError(_sentence(wrong, f"{mend} WHERE {rule.wrong}"))


def _shown(value: str | None) -> str:
    if value is None:
        return "NULL"
    return literal(value if len(value) <= 60 else value[:60] + "…")


def _sentence(wrong: str, mend: str) -> str:
    return (
        f"somebody changed a table of sqlscore: {wrong}; `sqlscore repair` mends what can be mended, or run {mend} in "
        "DuckDB, then open the file again"
    )
