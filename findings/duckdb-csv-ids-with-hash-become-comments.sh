#!/usr/bin/env bash
# Library: duckdb 2.0.1, read_csv with its sniffer
# Guess: there are no comments in CSV unless one asks for them; a row that begins with # is a row.
# What happens: the sniffer also guesses a comment character. In a file where some tickets are written #3 and others
#   4, the rows that begin with # are taken for comments and left out: 17 of 50 rows vanish, with no error and
#   nothing in the rejects; one such row among 50 is enough. If every row begins with #, all are kept. comment = ''
#   keeps all.
# Source: observed.
# In sqlscore: nothing.
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


def write(marked):
    with open("tickets.csv", "w") as file:
        rows = (f"{'#' if marked(ticket) else ''}{ticket},opened\n" for ticket in range(50))
        file.write("ticket,what\n" + "".join(rows))


def count(source):
    return duckdb.sql(f"SELECT count(*) FROM {source}").fetchall()[0][0]


write(lambda ticket: True)
expect("all 50 rows begin with #", count("'tickets.csv'"), 50)
write(lambda ticket: ticket == 40)
expect("1 of 50 rows begins with #", count("'tickets.csv'"), 49)
write(lambda ticket: ticket % 3 == 0)
expect("17 of 50 rows begin with #", count("'tickets.csv'"), 33)
detected = duckdb.sql("SELECT Comment FROM sniff_csv('tickets.csv')").fetchall()[0][0]
expect("comment character that was guessed", detected, "#")
expect("with comment = ''", count("read_csv('tickets.csv', comment = '')"), 50)
PY
