#!/usr/bin/env bash
# Library: sqlglot 30.30.0, from its duckdb dialect to spark, run on duckdb 2.0.1 and pyspark 4.3.0 (needs Java 17)
# Guess: range(a, b, step) has the same numbers on both engines; sqlglot knows that Spark's SEQUENCE includes its end, as
#   it writes SEQUENCE(0, 2) for range(3).
# What happens: it takes a whole step off the end. range(0, 10, 3) is 0, 3, 6, 9 and becomes SEQUENCE(0, 7, 3), which is
#   0, 3, 6: the last is missing unless the end lies on a step. And what counts upwards over nothing counts down:
#   generate_series(3, 1) is empty, SEQUENCE(3, 1) is 3, 2, 1: users without a day have three.
# Source: observed; documentation of range and generate_series (DuckDB) and of SEQUENCE (Spark).
# In sqlscore: `sqlscore transpile` carries over UNNEST(RANGE(n)) alone and refuses a step
#   (sqlscore/dialects/spark/lists.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pyspark==4.3.0 sqlglot==30.30.0 duckdb==2.0.1
cd "$work"
export SPARK_LOCAL_IP=127.0.0.1
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import sys

import duckdb
import pyspark
import sqlglot
from pyspark.sql import SparkSession
from sqlglot.errors import ErrorLevel


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        print(f"{what}: {recorded} was recorded, {seen} is seen now")  # what Spark writes to stderr is left out
        sys.exit(1)


print("sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__, "pyspark", pyspark.__version__)
zone = ("spark.sql.session.timeZone", "UTC")
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config(*zone).getOrCreate()
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")


def both(query):
    """The first column in DuckDB, and in Spark after sqlglot."""
    (printed,) = sqlglot.transpile(query, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE)
    print(f"{query}\n  {printed}")
    return [row[0] for row in con.execute(query).fetchall()], [row[0] for row in spark.sql(printed).collect()]


for start, stop, step, recorded in ((0, 10, 3, [0, 3, 6]), (0, 9, 3, [0, 3, 6]), (0, 30, 7, [0, 7, 14, 21])):
    duck, other = both(f"SELECT range({start}, {stop}, {step})")
    expect(f"range({start}, {stop}, {step}) in DuckDB", duck, [list(range(start, stop, step))])
    expect("in Spark", other, [recorded])
duck, other = both("SELECT unnest(generate_series(first, last)) FROM (VALUES (1, 2), (3, 1)) t(first, last)")
expect("first to last, where one user has none: DuckDB, Spark", (duck, other), ([1, 2], [1, 2, 3, 2, 1]))
spark.stop()
PY
