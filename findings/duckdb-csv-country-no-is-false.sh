#!/usr/bin/env bash
# Library: duckdb 2.0.1, read_csv with its sniffer
# Guess: only true/false (or t/f) become BOOLEAN; a column of country codes is text.
# What happens: yes, no, t and f in any case are booleans too. An export of one country, NO for Norway, is a column
#   of `false`, while the file with NO and SE is text: the file of one country alone no longer joins with the
#   others. Y and N stay text, so "yes-like words are left alone" is as wrong a guess.
# Source: observed. (YAML 1.1 is known for the same: "the Norway problem".)
# In sqlscore: nothing; a category's sort is kept with the model, and one that arrives as BOOLEAN instead of text
#   raises.
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


def read(*codes):
    with open("users.csv", "w") as file:
        file.write("user_id,code\n" + "".join(f"{user},{code}\n" for user, code in enumerate(codes)))
    return duckdb.sql("SELECT code FROM 'users.csv'").fetchall()


expect("NO, SE", read("NO", "SE"), [("NO",), ("SE",)])
expect("NO, NO", read("NO", "NO"), [(False,), (False,)])
expect("F, T", read("F", "T"), [(False,), (True,)])
expect("Y, N", read("Y", "N"), [("Y",), ("N",)])
PY
