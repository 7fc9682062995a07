#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: COPY FROM DATABASE copies a database. Its documentation says that it copies schema and data, and the copy has
#   tables with their constraints, views, macros, sequences, indexes, types and comments, so one looks no further.
# What happens: triggers are not in the copy, and nothing says so. Whoever copies a file to shrink it and puts the copy
#   in its place has an audit table, or a table of changed users, that stops growing.
# Source: observed.
# In sqlscore: `vacuum --rewrite` makes the triggers again, and compares everything before the copy takes the file's place.
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
with duckdb.connect("old.duckdb") as con:
    con.execute("CREATE SEQUENCE numbers START 5")
    con.execute("CREATE TABLE orders (id INT PRIMARY KEY DEFAULT nextval('numbers'), price DOUBLE CHECK (price > 0))")
    con.execute("CREATE TABLE audit (n BIGINT)")
    con.execute("CREATE INDEX by_price ON orders (price)")
    con.execute("CREATE VIEW dear AS FROM orders WHERE price > 100")
    con.execute("CREATE MACRO doubled(x) AS 2 * x")
    con.execute("COMMENT ON TABLE orders IS 'all orders'")
    con.execute(
        "CREATE TRIGGER counted AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT "
        "INSERT INTO audit SELECT count(*) FROM fresh"
    )
    con.execute("INSERT INTO orders (price) VALUES (1), (200)")

with duckdb.connect() as con:
    con.execute("ATTACH 'old.duckdb' AS old; ATTACH 'new.duckdb' AS new; COPY FROM DATABASE old TO new")

for name, n_triggers, audited in (("old", 1, 5), ("new", 0, 2)):
    with duckdb.connect(f"{name}.duckdb") as con:
        own = {"views": "NOT internal", "sequences": "true", "indexes": "true"}
        queries = [f"SELECT count(*) FROM duckdb_{kind}() WHERE {which}" for kind, which in own.items()]
        expect(f"{name}: views, sequences, indexes", [con.execute(q).fetchone()[0] for q in queries], [1, 1, 1])
        expect(f"{name}: triggers", con.execute("SELECT count(*) FROM duckdb_triggers()").fetchone()[0], n_triggers)
        con.execute("INSERT INTO orders (price) VALUES (2), (3), (4)")
        expect(f"{name}: audited after 2 and then 3 orders", con.execute("SELECT sum(n) FROM audit").fetchone()[0], audited)
PY
