#!/usr/bin/env bash
# Library: sqlglot 30.30.0, with duckdb 2.0.1
# Guess: duckdb to duckdb prints the same query; columns keep the names of their tables.
# What happens: if the statement is DuckDB's PIVOT ... ON ... USING, every column in the CTEs before it loses its table:
#   WHERE e.id = u.id in a correlated subquery is printed as WHERE id = id, which is true for every row. DuckDB runs it,
#   and gives other sums without an error. With SELECT * FROM (PIVOT ...) and with the standard's PIVOT the names stay.
# Source: observed.
# In sqlscore: SQL for another engine must be one SELECT (`transpile` refuses PIVOT as a statement); SQL that runs is the
#   text that was given, never one that was printed again. The linter's proof
#   prints by a generator without that step (sqlscore/linting/reading/statements.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 sqlglot==30.30.0
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import sqlglot

print("sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__)
con = duckdb.connect()
con.sql("CREATE TABLE u AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'a')) AS t(id, segment)")
con.sql("CREATE TABLE e AS SELECT * FROM (VALUES (1), (1), (2)) AS t(id)")
query = """WITH c AS (SELECT u.segment, (SELECT count(*) FROM e WHERE e.id = u.id) AS n FROM u)
PIVOT c ON segment USING sum(n)"""
again = sqlglot.transpile(query, read="duckdb", write="duckdb")[0]
print(again)
before, after = con.execute(query).fetchall(), con.execute(again).fetchall()
print("before:", before, "after:", after)
inside = sqlglot.transpile(
    "SELECT * FROM (WITH c AS (SELECT u.segment FROM u) SELECT * FROM c) PIVOT (count(*) FOR segment IN ('a'))",
    read="duckdb", write="duckdb",
)[0]
if (before, after) != ([(2, 1)], [(6, 3)]) or "u.segment" not in inside:
    sys.exit("expected sums 2 and 1 before, 6 and 3 after, and names that stay in a SELECT: sqlglot has changed")
PY
