#!/usr/bin/env bash
# Library: sqlglot 30.30.0, from its mysql dialect to duckdb, run on duckdb 2.0.1
# Guess: what sqlglot knows of both dialects means the same in both, or raises with unsupported_level=RAISE.
# What happens: DAYOFWEEK counts from 1 (Sunday) in MySQL and from 0 in DuckDB, and is passed on as it is: the weekend,
#   DAYOFWEEK(d) IN (1, 7), becomes Monday. A text with a time of day that an interval is added to is cast to DATE:
#   23:30 plus an hour is 01:00 of the same day, a day back. LENGTH of a text is bytes in MySQL and becomes characters,
#   and TIMESTAMPDIFF(DAY, ...), the full days that passed, becomes the midnights between. Nothing raises.
# Source: observed; MySQL's manual has DAYOFWEEK, LENGTH and TIMESTAMPDIFF; a server of MariaDB 10.11.19 gave the answers
#   that stand here as MySQL's.
# In sqlscore: sqlscore/mysql/functions.py translates these itself; tests/mysql/expressions.tsv has 234 such answers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 sqlglot==30.30.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import duckdb
import sqlglot
from sqlglot.errors import ErrorLevel

print("sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__)
con = duckdb.connect()
con.execute("CREATE TABLE visits AS SELECT TIMESTAMP '2024-02-05' + to_days(i::INTEGER) AS d FROM range(7) t(i)")
for query, in_mysql, recorded in (
    ("SELECT GROUP_CONCAT(DATE_FORMAT(d, '%a') ORDER BY d) FROM visits WHERE DAYOFWEEK(d) IN (1, 7)", "Sat,Sun", "Mon"),
    ("SELECT DATE_ADD('2024-02-03 23:30:00', INTERVAL 1 HOUR)", "2024-02-04 00:30:00", "2024-02-03 01:00:00"),
    ("SELECT LENGTH('Zürich')", "7", "6"),
    (
        "SELECT TIMESTAMPDIFF(DAY, CAST('2024-02-03 23:00' AS DATETIME), CAST('2024-02-04 01:00' AS DATETIME))",
        "0",
        "1",
    ),
):
    printed = sqlglot.transpile(query, read="mysql", write="duckdb", unsupported_level=ErrorLevel.RAISE)[0]
    seen = str(con.execute(printed).fetchall()[0][0])
    print(f"{query}\n  MySQL: {in_mysql}\n  {printed}\n  DuckDB: {seen}")
    if seen != recorded:
        sys.exit(f"{query}: {recorded} was recorded, {seen} is seen now")
PY
