#!/usr/bin/env bash
# Library: sqlglot 30.30.0, run on duckdb 2.0.1
# Guess: transpile(sql, read="duckdb", write="duckdb") returns the same query in another layout.
# What happens: a JSON key after -> or ->> is rewritten as a path. In DuckDB j->>'a.b' asks for the key "a.b";
#   sqlglot prints j ->> '$.a.b', which asks for b inside a. Keys with dots or brackets are common in event exports
#   (utm.source, items[0]); where both forms occur the rewritten query returns the other value, and else NULL.
#   Nothing raises.
# Source: observed.
# In sqlscore: only sqlglot's tokenizer is used, so that no query is printed anew. A quoted path ('$."a.b"') is
#   safe.
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


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "sqlglot", sqlglot.__version__)
con = duckdb.connect()
event = '{"utm.source": "mail", "utm": {"source": "web"}, "i[0]": 1}'
con.execute("CREATE TABLE events AS SELECT ?::JSON AS j", [event])


def asked(query):
    return con.execute(query).fetchone()[0]


def printed(query):
    return sqlglot.transpile(query, read="duckdb", write="duckdb")[0]


dotted, bracketed = "SELECT j ->> 'utm.source' FROM events", "SELECT j ->> 'i[0]' FROM events"
expect("as printed", printed(dotted), "SELECT j ->> '$.utm.source' FROM events")
expect("the query", asked(dotted), "mail")
expect("the query as printed", asked(printed(dotted)), "web")
expect("with brackets", asked(bracketed), "1")
expect("with brackets, as printed", asked(printed(bracketed)), None)
quoted = """SELECT j ->> '$."utm.source"' FROM events"""
expect("a quoted path, as printed", asked(printed(quoted)), "mail")
PY
