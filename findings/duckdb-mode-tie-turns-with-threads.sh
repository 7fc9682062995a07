#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: mode(x) chooses among equally frequent values by a rule of its own, such as the smallest or the first one, and
#   so gives the same on every machine and in every form.
# What happens: the optimizer makes a GROUP BY and an arg_max of it, and a tie goes to whichever group leaves the hash
#   table first: with one thread that is the first value of the table, with two or more another one, by hash. In a
#   window, and with ORDER BY within, the plan is another: there it is the first that is seen. A user's most frequent
#   action differs from machine to machine; mode(x ORDER BY x) is the same everywhere.
# Source: observed (EXPLAIN shows arg_max); the documentation says "the most frequent value".
# In sqlscore: each mode() of its own says ORDER BY within (tests/sql/test_ties.py looks for others).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb

con = duckdb.connect()
print(f"duckdb {duckdb.__version__}")
con.execute("CREATE TABLE actions AS SELECT * FROM (VALUES ('cart'), ('view'), ('buy'), ('pay'), ('add')) AS a (action)")
forms = {"plain": "mode(action)", "window": "mode(action) OVER ()", "ordered": "mode(action ORDER BY action)"}
seen = {}
for threads in (1, 2, 4):
    con.execute(f"SET threads = {threads}")
    for name, form in forms.items():
        query = f"SELECT {form} FROM actions LIMIT 1"
        (seen[threads, name],) = con.execute(query).fetchone()
        rewritten = "arg_max" in con.execute(f"EXPLAIN {query}").fetchone()[1]
        print(f"{threads} threads, {form}: {seen[threads, name]}" + (" (planned as arg_max)" if rewritten else ""))
steady = {threads: (seen[threads, "window"], seen[threads, "ordered"]) for threads in (1, 2, 4)}
if set(steady.values()) != {("cart", "add")}:
    sys.exit("another behaviour was recorded: in a window the first seen, with ORDER BY the first in that order")
if [seen[threads, "plain"] for threads in (1, 2, 4)] != ["cart", "buy", "buy"]:
    sys.exit("another behaviour was recorded: the first seen with one thread, another one with several")
PY
