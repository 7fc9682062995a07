#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: current_date, a reserved word of SQL, is today, as in PostgreSQL and SQLite, whatever the table's columns are called.
# What happens: without parentheses it is a column wherever a relation in the FROM clause has one of that name, and files
#   have the columns that somebody wrote into them. A view over a folder keeps another bound from the day on which a
#   delivery brings such a column. A macro that says current_date takes the column of the query that calls it, too.
#   current_date() and today() stay the clock.
# Source: observed.
# In sqlscore: mapped views that read the clock are warned of; the columns of their files decide whether a word is one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sqlite3
import sys

import duckdb


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


def count(query):
    return con.sql(f"SELECT count(*) FROM {query}").fetchall()[0][0]


print("duckdb", duckdb.__version__)
con = duckdb.connect()
rows = "SELECT i AS user_id, DATE '2024-01-01' + i::INT AS day FROM range(10) t(i)"
con.execute(f"COPY ({rows}) TO 'events.parquet'")
con.execute("CREATE VIEW past AS SELECT user_id, day FROM 'events.parquet' WHERE day <= current_date")
con.execute("CREATE MACRO has_come(moment) AS moment <= current_date")
expect("events before today, by the view", count("past"), 10)
expect("events before today, by the macro", count("'events.parquet' WHERE has_come(day)"), 10)
con.execute(f"COPY (SELECT *, DATE '2024-01-04' AS current_date FROM ({rows})) TO 'events.parquet'")
expect("by the same view, since the file has such a column", count("past"), 4)
expect("by the same macro", count("'events.parquet' WHERE has_come(day)"), 4)
expect("with current_date()", count("'events.parquet' WHERE day <= current_date()"), 10)
expect("with today()", count("'events.parquet' WHERE day <= today()"), 10)

other = sqlite3.connect(":memory:")
other.execute("""CREATE TABLE events AS SELECT '2024-01-02' AS day, '2024-01-01' AS "current_date" """)
expect("SQLite, one event after its column", other.execute("SELECT count(*) FROM events WHERE day <= current_date").fetchone()[0], 1)
PY
