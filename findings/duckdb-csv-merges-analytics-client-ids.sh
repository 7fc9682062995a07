#!/usr/bin/env bash
# Library: duckdb 2.0.1, read_csv with its sniffer
# Guess: a Google Analytics client id, two numbers of ten digits joined by a dot, stays text, or at least stays
#   exact.
# What happens: it looks like a decimal fraction, so the sniffer makes the column DOUBLE, which keeps 15 to 17 of
#   its 20 digits. Two clients who share the first number (the random part) and came within seconds become one user.
#   The count of distinct users is short, and nothing says so.
# Source: observed.
# In sqlscore: nothing in code; a user id of type DOUBLE is accepted. `types = {'client_id': 'VARCHAR'}` keeps it.
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
clients = ["1234567890.1700000001", "1234567890.1700000002", "9999999999.1712345678"]
with open("clients.csv", "w") as file:
    file.write("client_id,event\n" + "".join(f"{client},page_view\n" for client in clients))
count = "SELECT count(DISTINCT client_id), any_value(typeof(client_id)) FROM {}"
expect("as sniffed", duckdb.sql(count.format("'clients.csv'")).fetchall(), [(2, "DOUBLE")])
as_text = "read_csv('clients.csv', types = {'client_id': 'VARCHAR'})"
expect("as text", duckdb.sql(count.format(as_text)).fetchall(), [(3, "VARCHAR")])
PY
