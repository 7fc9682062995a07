"""Counts what incremental refreshes leave in a process and its engine; run as a program, as libraries keep things too.

`python refresh_growth.py 'one for each'` opens a connection for each refresh, `one` does all by one.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from small_shop import open_shop

import sqlscore
from sqlscore.models.compiled import CALLS

ROUNDS = 24
OPEN_FILES = Path("/proc/self/fd")
LEFT_IN_THE_ENGINE = {
    "functions": "SELECT count(*) FROM duckdb_functions()",
    "tables": "SELECT count(*) FROM duckdb_tables()",
    "views": "SELECT count(*) FROM duckdb_views()",
    "schemas": "SELECT count(*) FROM duckdb_schemas()",
    "settings": "SELECT count(*) FROM duckdb_settings()",
    "connections": "FROM duckdb_connection_count()",
    "in temporary files": "SELECT coalesce(sum(temporary_storage_bytes), 0) FROM duckdb_memory()",
    "rows of scores": "SELECT count(*) FROM sqlscore.scored_users",
    "rows of marks": "SELECT count(*) FROM sqlscore.refreshed",
    "profiles": "SELECT count(*) FROM sqlscore.event_profiles",
}


def measure_growth(connections: str) -> dict[str, Any]:
    """What is there before and after `ROUNDS` incremental refreshes, and which Python objects came to it, by type."""
    con = open_shop(append_only=connections == "one")
    con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
    sqlscore.refresh(con, full=True)
    for _ in range(CALLS):  # the model is compiled by then
        con.execute("SELECT predict_next_action(e) FROM e GROUP BY user_id").fetchall()
    for number in range(6):  # what is imported, compiled or cached once is there by then
        refresh_with_news(con, number, connections)
    count_types()  # abstract classes note what they are asked about once
    before, types_before = left(con), count_types()
    for number in range(6, 6 + ROUNDS):
        refresh_with_news(con, number, connections)
    after, types_after = left(con), count_types()
    return {"before": before, "after": after, "new types": dict((types_after - types_before).most_common(8))}


def refresh_with_news(con: duckdb.DuckDBPyConnection, number: int, connections: str) -> None:
    """A new event of one of five users: few enough that the refresh is an incremental one."""
    con.execute("INSERT INTO e VALUES (?, TIMESTAMP '2024-01-02' + to_minutes(?), 'view', 1)", [number % 5, number])
    if connections == "one":
        report = sqlscore.refresh(con)
    else:
        with con.cursor() as own:
            report = sqlscore.refresh(own)
    if (report.kind, report.n_users_encoded) != ("incremental", 1):
        raise AssertionError(f"not the incremental refresh of one user, but {report}")


def left(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What is there between two refreshes."""
    engine = {}
    for what, query in LEFT_IN_THE_ENGINE.items():
        ((engine[what],),) = con.execute(query).fetchall()
    gc.collect()
    return {
        "python objects": len(gc.get_objects()),
        "python blocks": sys.getallocatedblocks(),
        "arrow bytes": pa.total_allocated_bytes(),
        "threads": threading.active_count(),
        "open files": sum(1 for _ in OPEN_FILES.iterdir()) if OPEN_FILES.exists() else 0,
        "in the engine": engine,
    }


def count_types() -> Counter[str]:
    """How many objects of each type the garbage collector knows."""
    return Counter(type(each).__qualname__ for each in gc.get_objects())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_growth(sys.argv[1])))
