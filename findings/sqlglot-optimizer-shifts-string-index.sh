#!/usr/bin/env bash
# Library: sqlglot 30.30.0 (its optimizer), run on duckdb 2.0.1
# Guess: giving optimize() the schema makes its result better, and never other; a plain round trip is right, after
#   all.
# What happens: with the column known as VARCHAR, code[1], the first character in DuckDB, is printed as code[0], and
#   code[-1], the last one, as code[-2]. Without types the same query comes back unchanged, and a list column is
#   right with and without. Strings are shifted by one: '' and the wrong character, and no error.
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
con.execute("CREATE TABLE t AS SELECT 'abc' AS code, ['a', 'b', 'c'] AS parts")


def answers(query, **schema):
    tree = optimize(sqlglot.parse_one(query, read="duckdb"), schema={"t": schema}, dialect="duckdb")
    return con.execute(query).fetchall()[0], con.execute(tree.sql("duckdb")).fetchall()[0]


query = "SELECT code[1] AS first, code[-1] AS last FROM t"
plain = sqlglot.transpile(query, read="duckdb", write="duckdb")[0]
expect("plain round trip", con.execute(plain).fetchall()[0], ("a", "c"))
expect("as it is, optimized with types", answers(query, code="VARCHAR", parts="VARCHAR[]"), (("a", "c"), ("", "b")))
query = "SELECT parts[1] AS first, parts[-1] AS last FROM t"
expect("lists", answers(query, code="VARCHAR", parts="VARCHAR[]"), (("a", "c"), ("a", "c")))
PY
