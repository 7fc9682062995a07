#!/usr/bin/env bash
# Library: duckdb 2.0.1 with pyarrow 25.0.1 (functions of type "arrow")
# Guess: the same call twice in one query, f(x) and f(x), is computed once, or else always twice.
# What happens: it depends on what stands around it. Twice in one SELECT: once. The same with a scalar subquery
#   among the arguments: twice. Once in WHERE and once in SELECT: twice, also where WHERE stands outside a subquery
#   that names the result. ORDER BY shares it. So a view that names the score once does not keep a filter on it from
#   scoring everything again.
# Source: observed; duckdb/duckdb#10120 and #23997 are about the second.
# In sqlscore: scores are split into an encoding and cheap heads, and states are found again in a cache by content.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pyarrow==25.0.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pyarrow


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__)
sizes = []


def score(values):
    sizes.append(len(values))
    return values


con = duckdb.connect()
con.create_function("score", score, ["BIGINT"], "BIGINT", type="arrow")
con.execute("CREATE TABLE users AS SELECT range AS id FROM range(1000)")


def rows(query):
    sizes.clear()
    con.execute(query).fetchall()
    return sum(sizes)


expect("twice in SELECT", rows("SELECT score(id + 1), score(id + 1) FROM users"), 1000)
by_subquery = "score(id + (SELECT 1))"
expect("the same with a subquery", rows(f"SELECT {by_subquery}, {by_subquery} FROM users"), 2000)
expect("SELECT and ORDER BY", rows("SELECT score(id) FROM users ORDER BY score(id)"), 1000)
outside = rows("SELECT s FROM (SELECT score(id) AS s FROM users) WHERE s >= 0")
expect("WHERE outside a subquery", outside, 2000)
PY
