#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: once CREATE TRIGGER is committed, every row that is committed into the table later has fired it; CREATE TRIGGER
#   waits for open transactions, or these fail, as they do after any ALTER TABLE.
# What happens: a transaction that is open meanwhile goes on without the trigger, statements that it begins later
#   included, and commits: an audit table has holes. COMMENT ON TABLE, which changes nothing about rows, does make such
#   a transaction fail when it commits.
# Source: observed.
# In sqlscore: `sqlscore watch` sets the table's comment to what it is, in the transaction that makes the triggers, so
#   that no change escapes them.
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


def run(also):
    """Rows and audited rows after a transaction that is open while the trigger is made, and how its commit went."""
    con = duckdb.connect()
    con.execute("CREATE TABLE orders AS SELECT 1 AS id")
    con.execute("CREATE TABLE audit (id INTEGER)")
    other = con.cursor()
    other.begin()
    other.execute("INSERT INTO orders VALUES (2)")
    con.begin()
    con.execute(
        "CREATE TRIGGER noted AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT "
        "INSERT INTO audit SELECT id FROM fresh"
    )
    con.execute(also)
    con.commit()
    other.execute("INSERT INTO orders VALUES (3)")
    try:
        other.commit()
        went = "committed"
    except duckdb.TransactionException:
        went = "refused"
    con.execute("INSERT INTO orders VALUES (4)")
    ids = "SELECT list(id ORDER BY id) FROM {}"
    return went, *(con.execute(ids.format(name)).fetchone()[0] for name in ("orders", "audit"))


print("duckdb", duckdb.__version__)
expect("CREATE TRIGGER alone", run("SELECT 1"), ("committed", [1, 2, 3, 4], [4]))
expect("and COMMENT ON TABLE", run("COMMENT ON TABLE orders IS 'as before'"), ("refused", [1, 4], [4]))
PY
