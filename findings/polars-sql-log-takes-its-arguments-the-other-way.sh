#!/usr/bin/env bash
# Library: polars 2.1.0, duckdb 2.0.1, datafusion 55.0.0, sqlite3
# Guess: polars' SQL means what the same SQL means in the engines whose dialect it follows, as it does for window
#   frames, NULLs and joins: LOG(2, 8) is 3, and a function of NULL is NULL.
# What happens: LOG(2, 8) is the logarithm of 2 to base 8, a third. STRPOS(NULL, '@') is 0, "not there", so that
#   WHERE STRPOS(email, '@') = 0 finds the rows without an email too. REPLACE of an empty text puts the new one between
#   all letters. ROUND(0.5) is 0, ROUND(2.5) is 2, halves to the even digit, though SQL's ROUND takes them away from 0.
# Source: observed; in PostgreSQL, DuckDB, DataFusion and SQLite the base comes first and the rest is as guessed.
# In sqlscore: SQL runs in DuckDB alone; logarithms to a base are written LOG2 and LOG10.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq polars==2.1.0 duckdb==2.0.1 datafusion==55.0.0 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sqlite3
import sys

import datafusion
import duckdb
import polars as pl


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("polars", pl.__version__, "duckdb", duckdb.__version__, "datafusion", datafusion.__version__)
users = pl.DataFrame({"id": [1, 2, 3], "email": ["a@b", None, "none"], "share": [0.5, 1.5, 2.5]})
context = pl.SQLContext(users=users, eager=True)
con = duckdb.connect()
con.register("users", users.to_arrow())
other = datafusion.SessionContext()
other.register_record_batches("users", [users.to_arrow().to_batches()])
lite = sqlite3.connect(":memory:")
lite.execute("CREATE TABLE users (id INTEGER, email TEXT, share REAL)")
lite.executemany("INSERT INTO users VALUES (?, ?, ?)", users.rows())


def first(rows):
    return [round(row[0], 6) if isinstance(row[0], float) else row[0] for row in rows]


for query, in_polars, elsewhere in (
    ("SELECT LOG(2, 8) FROM users WHERE id = 1", [0.333333], [3.0]),
    ("SELECT id FROM users WHERE STRPOS(email, '@') = 0 ORDER BY id", [2, 3], [3]),
    ("SELECT REPLACE(email, '', '.') FROM users WHERE id = 1", [".a.@.b."], ["a@b"]),
    ("SELECT ROUND(share) FROM users ORDER BY id", [0.0, 2.0, 2.0], [1.0, 2.0, 3.0]),
):
    expect(f"{query}; polars", first(context.execute(query).rows()), in_polars)
    in_lite = query.replace("STRPOS", "INSTR")
    expect("  DuckDB", first(con.execute(query).fetchall()), elsewhere)
    frame = other.sql(query).to_arrow_table()
    expect("  DataFusion", first(zip(frame.column(0).to_pylist(), strict=True)), elsewhere)
    if "LOG" not in query:  # SQLite may be built without logarithms
        expect("  SQLite", first(lite.execute(in_lite).fetchall()), elsewhere)
PY
