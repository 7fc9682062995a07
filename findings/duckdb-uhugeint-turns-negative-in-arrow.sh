#!/usr/bin/env bash
# Library: duckdb 2.0.1 with pyarrow 25.0.1
# Guess: a UHUGEINT that does not fit Arrow's decimal128 raises, as to_arrow_table() promises the same values.
# What happens: its 128 bits are handed over as they are and read as a signed number: 2^128 - 1 arrives as -1, 2^127
#   as -2^127. The declared type, decimal128(38, 0), holds neither. Two more ways out differ: fetchall() is right,
#   .df() raises NotImplementedException.
# Source: observed.
# In sqlscore: published tables carry UHUGEINT as text (numeric(39,0) in PostgreSQL); scores are joined to users in
#   the column's own type.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import pyarrow


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__)
con = duckdb.connect()
ids = con.sql(f"SELECT unnest(['{2**127 - 1}', '{2**127}', '{2**128 - 1}']::UHUGEINT[]) AS id")
expect("fetchall", [row[0] for row in ids.fetchall()], [2**127 - 1, 2**127, 2**128 - 1])
table = ids.to_arrow_table()
expect("type in Arrow", str(table.schema.field("id").type), "decimal128(38, 0)")
expect("in Arrow", [int(value) for value in table["id"].to_pylist()], [2**127 - 1, -(2**127), -1])
PY
