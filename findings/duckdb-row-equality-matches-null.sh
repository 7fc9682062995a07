#!/usr/bin/env bash
# Library: duckdb 2.0.1, against PostgreSQL's rule as SQLite (Python's sqlite3) has it
# Guess: ON (l.a, l.b) = (r.a, r.b) is a shorter way to write ON l.a = r.a AND l.b = r.b, as the SQL standard defines it.
# What happens: a pair in parentheses is a STRUCT, and within a STRUCT NULL equals NULL: rows without an id are joined
#   with one another, ('web', NULL) with ('web', NULL). `<>` finds them too. IN (SELECT a, b ...) takes the columns one
#   by one and does not find them, IN (SELECT (a, b) ...) does, and NOT IN turns around: without the parentheses one
#   NULL id in the list empties the answer, with them it does not. USING (a, b) does as AND.
# Source: observed. DuckDB's page on STRUCT says that NULLs compare within nested values as in PostgreSQL; there that
#   holds for columns of a composite type, and not for rows that are written out.
# In sqlscore: joins are written column by column, and a test looks for others (tests/sql/test_ties.py); `transpile`
#   refuses such comparisons (sqlscore/dialects/pairs.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sqlite3
import sys

import duckdb

print(f"duckdb {duckdb.__version__}, sqlite {sqlite3.sqlite_version}")
engines = {"duckdb": duckdb.connect(), "sqlite": sqlite3.connect(":memory:")}
queries = {
    "(a, b) = (a, b)": "SELECT l.n FROM l JOIN r ON (l.src, l.id) = (r.src, r.id) ORDER BY 1",
    "a = a AND b = b": "SELECT l.n FROM l JOIN r ON l.src = r.src AND l.id = r.id ORDER BY 1",
    "(a, b) <> ('web', 'u1')": "SELECT n FROM l WHERE (src, id) <> ('web', 'u1') ORDER BY 1",
    "IN (SELECT a, b)": "SELECT n FROM l WHERE (src, id) IN (SELECT src, id FROM r) ORDER BY 1",
    "IN (SELECT (a, b))": "SELECT n FROM l WHERE (src, id) IN (SELECT (src, id) FROM r) ORDER BY 1",
}
seen = {}
for engine, con in engines.items():
    for name in ("l", "r"):
        con.execute(f"CREATE TABLE {name} (src VARCHAR, id VARCHAR, n INTEGER)")
        con.execute(f"INSERT INTO {name} VALUES ('web', NULL, 1), ('web', 'u1', 2)")
    for form, query in queries.items():
        if (engine, form) != ("sqlite", "IN (SELECT (a, b))"):
            seen[engine, form] = [n for (n,) in con.execute(query).fetchall()]
            print(f"{engine}, {form}: rows {seen[engine, form]}")
recorded = {
    ("duckdb", "(a, b) = (a, b)"): [1, 2], ("sqlite", "(a, b) = (a, b)"): [2],
    ("duckdb", "a = a AND b = b"): [2], ("sqlite", "a = a AND b = b"): [2],
    ("duckdb", "(a, b) <> ('web', 'u1')"): [1], ("sqlite", "(a, b) <> ('web', 'u1')"): [],
    ("duckdb", "IN (SELECT a, b)"): [2], ("sqlite", "IN (SELECT a, b)"): [2],
    ("duckdb", "IN (SELECT (a, b))"): [1, 2],
}
if seen != recorded:
    sys.exit("another behaviour was recorded: in DuckDB a NULL equals a NULL in pairs, but not in columns")
PY
