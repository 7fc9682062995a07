"""Columns and rows of the registry that cannot be sqlscore's: mended where they can be, else taken out."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.sound_rows import KEPT, LOST_WITH_ROW, RULES, Rule, WrongColumn, wrong_columns
from sqlscore.quoting import identifier, qualified
from sqlscore.sql.names import SCHEMA
from sqlscore.upkeep.findings import Findings

_ROUNDS = 3
"""Rules are gone through until none is broken: a value that one of them clears may break another."""

_FOUND_AGAIN = {
    ("mappings", "mapping"),
    *(("models", name) for name in ("architecture", "manifest", "sha256", "trained_from", "trained_to")),
}
"""Columns that later steps fill from artifacts and from the record of runs, or say what is lost."""

_AGAIN = {
    "mappings": "sqlscore init",
    "models": "sqlscore train",
    "champions": "sqlscore models",
    "runs": "sqlscore status",
}


def mend_columns(con: duckdb.DuckDBPyConnection) -> Findings:
    """Give columns their types again, and add those that are gone, in the caller's transaction.

    A table that others can fill is dropped where a column of it cannot be mended.
    """
    found = Findings()
    dropped: set[str] = set()
    for wrong in wrong_columns(con):
        if wrong.table in dropped:
            continue
        place = f"column {wrong.column} of {SCHEMA}.{wrong.table}"
        if wrong.found is not None and _has_its_type_again(con, wrong):
            found.done.append(f"{place} has type {wrong.kind} again, and not {wrong.found}")
        elif wrong.table in KEPT:
            _add_anew(con, wrong)
            found.done.append(f"{place} is there again, empty")
            if (wrong.table, wrong.column) not in _FOUND_AGAIN:
                found.lose(f"what stood in {place} is lost", f"{_AGAIN[wrong.table]} DB")
        else:
            con.execute(f"DROP TABLE {qualified(SCHEMA, wrong.table)}")
            dropped.add(wrong.table)
            found.done.append(f"{SCHEMA}.{wrong.table} was dropped to be made anew, since {place} was not sound")
    return found


def mend_rows(con: duckdb.DuckDBPyConnection) -> Findings:
    """Take out rows that break a rule of the registry, or put in the value that it names, in the caller's transaction.

    Of rows that should be there once, the one whose artifact is sound stays, or the first.
    """
    found = Findings()
    there = {name for (name,) in con.execute(_TABLES, [SCHEMA]).fetchall()}
    for _ in range(_ROUNDS):
        broken = [rule for rule in RULES if rule.table in there and _mended(con, rule, found)]
        if not broken:
            break
    return found


_TABLES = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ?"


def _mended(con: duckdb.DuckDBPyConnection, rule: Rule, found: Findings) -> bool:
    """Whether the rule was broken; now it is not."""
    name = qualified(SCHEMA, rule.table)
    if one(con, f"SELECT 1 FROM {name} WHERE {rule.wrong} LIMIT 1") is None:
        return False
    if rule.once:
        statement = f"DELETE FROM {name} WHERE rowid IN ({_too_many(rule)})"
    elif rule.remedy:
        statement = f"{rule.remedy} WHERE {rule.wrong}"
    else:
        statement = f"DELETE FROM {name} WHERE {rule.wrong}"
    changed = con.execute(statement).fetchall()[0][0]
    rows, where = "1 row" if changed == 1 else f"{changed} rows", f"{SCHEMA}.{rule.table}"
    if rule.once:
        found.done.append(f"{rows} of {where} taken out that stood there twice")
    elif rule.remedy:
        found.done.append(f"{rows} of {where} whose {rule.column} was not {rule.expected}: that value was replaced")
    else:
        found.done.append(f"{rows} of {where} taken out whose {rule.column} was not {rule.expected}")
        if rule.table in _AGAIN:
            found.lose(f"lost with them is {LOST_WITH_ROW[rule.table]}", f"{_AGAIN[rule.table]} DB")
    return True


def _too_many(rule: Rule) -> str:
    """A query for the rows that stand there once more."""
    same = ", ".join(identifier(column) for column in rule.once)
    sound = "sha256(artifact) IS NOT DISTINCT FROM sha256 DESC, " if rule.table == "models" else ""
    return (
        f"SELECT rowid FROM {qualified(SCHEMA, rule.table)} "
        f"QUALIFY row_number() OVER (PARTITION BY {same} ORDER BY {sound}rowid) > 1"
    )


def _has_its_type_again(con: duckdb.DuckDBPyConnection, wrong: WrongColumn) -> bool:
    """Whether the engine could change the type back; a value that does not fit becomes NULL."""
    table, column = qualified(SCHEMA, wrong.table), identifier(wrong.column)
    try:
        con.execute(f"ALTER TABLE {table} ALTER {column} TYPE {wrong.kind} USING TRY_CAST({column} AS {wrong.kind})")
    except duckdb.Error:  # there is no such cast, or a constraint depends on the column
        return False
    return True


def _add_anew(con: duckdb.DuckDBPyConnection, wrong: WrongColumn) -> None:
    table, column = qualified(SCHEMA, wrong.table), identifier(wrong.column)
    if wrong.found is not None:
        con.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    con.execute(f"ALTER TABLE {table} ADD COLUMN {column} {wrong.kind}")
