"""The function by which the models of the dbt project have the guards judge the events."""

from __future__ import annotations

import json
import threading
from typing import Any

import duckdb
from duckdb.func import SPECIAL

from sqlscore.database.catalog import catalog
from sqlscore.database.queries import one
from sqlscore.errors import SqlscoreError
from sqlscore.mapping.of_scores import Scored
from sqlscore.udfs.functions import PREFIX
from sqlscore.verbs.guarding import judge_build

JUDGE = PREFIX + "judge"
"""(mapping, accept, scored as JSON or NULL) -> JSON with `refused`, `warnings` and `notes`."""

_CONNECTIONS: dict[str, duckdb.DuckDBPyConnection] = {}
"""The connection that dbt opened last, by the key of its instance's catalog. It is dbt that closes it: a function that
held one of its own would keep the file open."""

_registering = threading.Lock()


def register_judge(con: duckdb.DuckDBPyConnection) -> None:
    """Register the function for all connections to this instance, and let it read by `con` from now on."""
    key = catalog(con).key
    with _registering:
        _CONNECTIONS[key] = con
        if one(con, "SELECT 1 FROM duckdb_functions() WHERE function_name = ? LIMIT 1", [JUDGE]):
            return

        def judge(mapping: str, accept: bool, scored: str | None) -> str:
            return judged(_CONNECTIONS[key], mapping, accept, scored)

        texts: list[Any] = [duckdb.sqltype(name) for name in ("VARCHAR", "BOOLEAN", "VARCHAR")]
        returns = duckdb.sqltype("VARCHAR")
        con.create_function(JUDGE, judge, texts, returns, null_handling=SPECIAL, side_effects=True)


def judged(con: duckdb.DuckDBPyConnection, mapping: str, accept: bool, scored: str | None) -> str:
    """What the guards say, as JSON; a refusal is a text there, since the engine would wrap an error."""
    try:
        said = judge_build(
            con, None if scored is None else Scored(**json.loads(scored)), accept=accept, mapping=mapping
        )
    except SqlscoreError as error:
        return json.dumps({"refused": str(error), "warnings": [], "notes": []})
    return json.dumps({"refused": None, "warnings": said.warnings, "notes": said.notes})
