#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: CREATE OR REPLACE keeps what hangs on a table's, view's or macro's name, or refuses, as DROP TABLE would do
#   for what depends on it. Replacing a table every night with fresh rows is the usual way, after all.
# What happens: triggers and comments are dropped with the old object, without a word. Rows inserted afterwards fire
#   nothing; an audit table just stops growing.
# Source: observed.
# In sqlscore: comments are set again after each CREATE OR REPLACE; what `sqlscore watch` noted is not trusted once a
#   trigger of it is gone, and `status` and `refresh` say so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__)
con = duckdb.connect()


def one(query):
    return con.execute(query).fetchone()[0]


con.execute("CREATE TABLE orders AS SELECT 1 AS id")
con.execute("CREATE TABLE audit (n BIGINT)")
con.execute("CREATE MACRO doubled(x) AS 2 * x")
con.execute("COMMENT ON MACRO doubled IS 'two times'")
con.execute("COMMENT ON TABLE orders IS 'all orders'")
con.execute(
    "CREATE TRIGGER counted AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT "
    "INSERT INTO audit SELECT count(*) FROM fresh"
)
con.execute("INSERT INTO orders VALUES (2), (3)")
expect("audited", one("SELECT sum(n) FROM audit"), 2)
con.execute("CREATE OR REPLACE TABLE orders AS SELECT 1 AS id")
con.execute("CREATE OR REPLACE MACRO doubled(x) AS x + x")
con.execute("INSERT INTO orders VALUES (4), (5), (6)")
expect("audited after CREATE OR REPLACE", one("SELECT sum(n) FROM audit"), 2)
expect("triggers left", one("SELECT count(*) FROM duckdb_triggers()"), 0)
comment = "SELECT comment FROM {}() WHERE {}_name = '{}'"
expect("the table's comment", one(comment.format("duckdb_tables", "table", "orders")), None)
expect("the macro's comment", one(comment.format("duckdb_functions", "function", "doubled")), None)
PY
