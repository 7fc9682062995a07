#!/usr/bin/env bash
# Library: duckdb 2.0.1
# Guess: UNION ALL of a column with text makes text of it, as it does for numbers, dates and times, enums and
#   booleans; so the ids of two systems can be stacked if one of them has text.
# What happens: a UUID column with a VARCHAR column gives UUID. The types of the query tell nothing, a view of it can be
#   made, and it works as long as all texts are UUIDs: then the first other id, such as "guest-17", makes every reader
#   fail with a conversion error. Texts that are read do not come back as they were: capitals become small letters and
#   braces go, so that a join with the source by text finds nothing.
# Source: observed.
# In sqlscore: ids of several sources that differ in type are cast to VARCHAR before they are put together
#   (sqlscore/database/composition/sources.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb

con = duckdb.connect()
print(f"duckdb {duckdb.__version__}")
found = {}
for kind, value in {
    "BIGINT": "7", "DOUBLE": "0.5", "DATE": "'2025-01-01'", "TIMESTAMP": "'2025-01-01'", "BOOLEAN": "true",
    "ENUM('a')": "'a'", "UUID": "'0196f3ce-0000-7000-8000-00000000000a'",
}.items():
    con.execute(f"CREATE OR REPLACE TABLE app AS SELECT CAST({value} AS {kind}) AS id")
    con.execute("CREATE OR REPLACE TABLE web (id VARCHAR)")
    con.execute("CREATE OR REPLACE VIEW people AS SELECT id FROM app UNION ALL SELECT id FROM web")
    found[kind] = str(con.sql("FROM people").types[0])
    print(f"{kind} UNION ALL VARCHAR: {found[kind]}")
con.execute("INSERT INTO web VALUES ('{0196F3CE-0000-7000-8000-00000000000B}')")
read = [str(row[0]) for row in con.execute("SELECT CAST(id AS VARCHAR) FROM people").fetchall()]
print("a text in capitals and braces reads as", read[1])
con.execute("INSERT INTO web VALUES ('guest-17')")
try:
    con.execute("SELECT count(DISTINCT id) FROM people").fetchall()
    error = None
except duckdb.Error as raised:
    error = type(raised).__name__
print("with the id guest-17:", error)
recorded = {kind: "UUID" if kind == "UUID" else "VARCHAR" for kind in found}
if (found, read[1], error) != (recorded, "0196f3ce-0000-7000-8000-00000000000b", "ConversionException"):
    sys.exit("another behaviour was recorded: UUID with VARCHAR is UUID, all others are VARCHAR")
PY
