#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: rowid numbers the rows of a table that was just made from 0 on, so that an array which was computed elsewhere, in
#   the order of the rows, can be joined back by rowid; what holds with autocommit holds inside BEGIN ... COMMIT as well.
# What happens: rows that the open transaction has written have other rowids, from 36028797018960000 on, in temporary
#   tables too. The join finds nothing, without a word; in a table that was there before, old rows match and new ones do
#   not. After COMMIT the same rows have small numbers, so that a rowid noted before is nobody's.
# Source: observed.
# In sqlscore: rows that are joined back are numbered by row_number() in a column of their own.
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
JOIN = "SELECT count(*) FROM users u JOIN range(3) scores(nr) ON scores.nr = u.rowid"
ROWIDS = "SELECT list(rowid ORDER BY id) FROM users"


def one(query):
    return con.execute(query).fetchone()[0]


con.execute("CREATE TEMP TABLE users AS SELECT range AS id FROM range(3)")
expect("joined, each statement by itself", one(JOIN), 3)
con.begin()
con.execute("CREATE OR REPLACE TEMP TABLE users AS SELECT range AS id FROM range(3)")
expect("joined in a transaction", one(JOIN), 0)
noted = one(ROWIDS)
expect("rowids in it", noted, [36028797018960000, 36028797018960001, 36028797018960002])
con.commit()
expect("joined after COMMIT", one(JOIN), 3)
expect("rows with the rowids that were noted", one(f"SELECT count(*) FROM users WHERE rowid IN {tuple(noted)}"), 0)
PY
