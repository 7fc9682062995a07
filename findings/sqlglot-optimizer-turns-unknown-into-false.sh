#!/usr/bin/env bash
# Library: sqlglot 30.30.0 (its optimizer), run on duckdb 2.0.1
# Guess: an optimizer of SQL keeps the third truth value: NULL = ANY (...) is NULL, so NOT (...) drops that row too.
# What happens: = ANY (subquery) becomes a LEFT JOIN with "is not NULL", which knows true and false only. A user
#   without a plan, who is in neither answer before, is among those "not on a blocked plan" after optimize(). NOT IN
#   (list) is kept as it is.
# Source: observed.
# In sqlscore: only sqlglot's tokenizer is used.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 sqlglot==30.30.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import sqlglot
from sqlglot.optimizer import optimize


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "sqlglot", sqlglot.__version__)
con = duckdb.connect()
con.execute("CREATE TABLE users AS FROM (VALUES (1, 'free'), (2, 'paid'), (3, NULL)) t(id, plan)")
con.execute("CREATE TABLE blocked AS SELECT 'free' AS plan")
schema = {"users": {"id": "INTEGER", "plan": "VARCHAR"}, "blocked": {"plan": "VARCHAR"}}


def both(condition):
    query = f"SELECT id FROM users WHERE {condition} ORDER BY id"
    tree = optimize(sqlglot.parse_one(query, read="duckdb"), schema=schema, dialect="duckdb")
    return tuple([row[0] for row in con.execute(text).fetchall()] for text in (query, tree.sql("duckdb")))


expect("= ANY", both("users.plan = ANY (SELECT blocked.plan FROM blocked)"), ([1], [1]))
expect("NOT (= ANY)", both("NOT (users.plan = ANY (SELECT blocked.plan FROM blocked))"), ([2], [2, 3]))
expect("NOT IN a list", both("users.plan NOT IN ('free')"), ([2], [2]))
PY
