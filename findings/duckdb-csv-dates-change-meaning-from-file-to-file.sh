#!/usr/bin/env bash
# Library: duckdb 2.0.1, read_csv with its sniffer
# Guess: a date such as 01/02/2026 stays text, raises as ambiguous, or is read by one fixed rule.
# What happens: the sniffer tries formats and takes day/month where both fit. The export of an American shop for the
#   first days of a month is read as day/month, that of the later days as month/day: the same column, from two files
#   loaded one after the other, mixes both meanings, and every date is valid. 2 January becomes 1 February.
# Source: observed. The option `dateformat` settles it.
# In sqlscore: nothing in code; a future high-water mark is warned of when mapping, which shows some of these.
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
con.execute("CREATE TABLE orders (day DATE, n INTEGER)")
for name, days in ("early", ("01/02/2026", "01/03/2026")), ("late", ("01/13/2026", "01/14/2026")):
    with open(f"{name}.csv", "w") as file:
        file.write("day,n\n" + "".join(f"{day},1\n" for day in days))
    con.execute(f"INSERT INTO orders FROM '{name}.csv'")
seen = [str(row[0]) for row in con.sql("SELECT day FROM orders").fetchall()]
expect("2, 3, 13 and 14 January", seen, ["2026-02-01", "2026-03-01", "2026-01-13", "2026-01-14"])
con.execute("SELECT day FROM read_csv('early.csv', dateformat = '%m/%d/%Y')")
expect("with dateformat", str(con.fetchone()[0]), "2026-01-02")
PY
