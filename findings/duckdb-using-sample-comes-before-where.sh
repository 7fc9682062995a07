#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: USING SAMPLE 50 ROWS, which stands at the end of a query like LIMIT 50, gives 50 of the rows that the query finds.
# What happens: the sample is taken from the FROM clause, before WHERE and GROUP BY. Of 100 purchases among 10,000 events
#   0 to 5 come instead of 50, and a query that counts by action counts one event where one row was asked for. LIMIT at
#   the same place, and a sample of a subquery, do what one expects.
# Source: DuckDB's documentation, "Samples": the clause is applied right after anything in FROM; the effect is observed.
# In sqlscore: users are sampled by a hash in a subquery of its own.
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
con.execute(
    """CREATE TABLE events AS
       SELECT i AS user_id, CASE WHEN i % 100 = 0 THEN 'buy' ELSE 'view' END AS event_type FROM range(10000) t(i)"""
)
buys = "SELECT * FROM events WHERE event_type = 'buy'"
expect("purchases", len(con.sql(buys).fetchall()), 100)
found = [len(con.sql(f"{buys} USING SAMPLE 50 ROWS").fetchall()) for _ in range(20)]
print("purchases with USING SAMPLE 50 ROWS, 20 times:", found)
expect("never more than 10 of the 50 that were asked for", max(found) <= 10, True)
expect("with LIMIT 50", len(con.sql(f"{buys} LIMIT 50").fetchall()), 50)
expect("a subquery's, with USING SAMPLE 50 ROWS", len(con.sql(f"FROM ({buys}) USING SAMPLE 50 ROWS").fetchall()), 50)
counts = con.sql("SELECT event_type, count(*) FROM events GROUP BY ALL USING SAMPLE 1 ROWS").fetchall()
expect("events that a count by action sees with USING SAMPLE 1 ROWS", sum(n for _, n in counts), 1)
PY
