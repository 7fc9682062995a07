"""A small file that tests damage in copies, what somebody may do to its tables, and the verbs that go over them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
from scratch import folder_of_process
from small_shop import ARTIFACTS, open_shop

import sqlscore
from sqlscore.database.registry import register
from sqlscore.sql.names import MAPPING_TABLES, REGISTRY_TABLES

TABLES = (
    *REGISTRY_TABLES,
    *(
        name for name in MAPPING_TABLES if name not in ("scored_labels", "label_backtests", "segment_value_at_risk")
    ),  # of heads alone
    *("scored_users", "scored_sessions", "past_scores"),
)

VERBS: dict[str, Callable[[duckdb.DuckDBPyConnection], Any]] = {
    "status": lambda con: sqlscore.status(con).to_dict(),
    "refresh": sqlscore.refresh,
    "models": lambda con: [model.to_dict() for model in sqlscore.list_models(con)],
    "evaluate": sqlscore.evaluate,
    "promote": lambda con: sqlscore.promote(con, "m@1"),
    "rollback": sqlscore.rollback,
    "set_policy": lambda con: sqlscore.set_policy(con, retrain_after_days=7),
    "score": lambda con: con.execute("SELECT churn_risk(e), predict_next_action(e) FROM e GROUP BY user_id").fetchall(),
    "segments": lambda con: con.execute("FROM sqlscore.segment_summary").fetchall(),
    "map": lambda con: sqlscore.map_events(con, "e", features=["price"], force=True),
}

VALUES = {
    "VARCHAR": ("'garbage'", "''", "'{}'", "'-1'"),
    "JSON": ("'{}'", "'[1]'", "'3'", "'null'", "'\"x\"'", "'{\"name\": 3}'"),
    "TIMESTAMP": ("'infinity'", "'-infinity'", "'0001-01-01'"),
    "INTEGER": ("-1", "2147483647"),
    "BIGINT": ("-1", "9223372036854775807"),
    "DOUBLE": ("'nan'", "'infinity'", "-1"),
    "FLOAT": ("'nan'", "'infinity'", "-1"),
    "FLOAT[]": ("[]", "[1.0]", "[NULL]"),
    "BLOB": ("'x'",),
}


@lru_cache
def base() -> Path:
    """A file with two models, a refresh, past scores and an event since then."""
    path = folder_of_process() / "base.duckdb"
    with open_shop(path) as con:
        register(con, ARTIFACTS[2], name="m", mapping="events", champion=False, verb="train")
        sqlscore.promote(con, "m@2", force=True)
        sqlscore.watch(con)
        sqlscore.refresh(con, keep_history=True)
        con.execute("INSERT INTO e VALUES (0, TIMESTAMP '2024-01-03', 'view', 2.0)")
        con.execute("INSERT INTO sqlscore.leaderboard (rank, contender) VALUES (1, 'x')")
    return path


def edited(path: Path, statement: str) -> bool:
    """Whether the engine makes the change at all in a copy of `base`."""
    shutil.copy(base(), path)
    with duckdb.connect(path) as plain:
        try:
            plain.execute(statement)
        except duckdb.Error:
            return False
    return True


def edits(table: str) -> list[str]:
    """Statements that somebody may run on a table: each column gone, empty, of other values, of another type."""
    name = f"sqlscore.{table}"
    with duckdb.connect(base(), read_only=True) as con:
        columns = con.execute("SELECT name, type FROM pragma_table_info(?)", [name]).fetchall()
    found = [f"DELETE FROM {name}", f"DROP TABLE {name}"]
    for column, kind in columns:
        found += [f"UPDATE {name} SET {column} = {value}" for value in ("NULL", *VALUES.get(kind, ()))]
        found.append(f"ALTER TABLE {name} DROP COLUMN {column}")
        found += [f"ALTER TABLE {name} ALTER {column} TYPE {new}" for new in ("VARCHAR", "BLOB") if new != kind]
        found += [f"ALTER TABLE {name} ALTER {column} TYPE {new} USING NULL" for new in ("INTEGER", "BIGINT[]")]
    return found
