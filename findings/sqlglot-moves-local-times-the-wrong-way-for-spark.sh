#!/usr/bin/env bash
# Library: sqlglot 30.30.0, from its duckdb dialect to spark, run on duckdb 2.0.1 and pyspark 4.3.0 (needs Java 17)
# Guess: a local time AT TIME ZONE 'Europe/Berlin' is the same moment on both engines, or sqlglot raises with
#   unsupported_level=RAISE.
# What happens: of a TIMESTAMP, DuckDB's AT TIME ZONE takes the offset away (noon in Berlin is 10:00 UTC), and of a
#   TIMESTAMPTZ it adds it. sqlglot writes FROM_UTC_TIMESTAMP for both, which adds: noon becomes 14:00, twice the offset
#   off. Even with the type written out in a CAST nothing raises; TO_UTC_TIMESTAMP would be right.
# Source: observed; documentation of AT TIME ZONE (DuckDB) and of FROM_UTC_TIMESTAMP and TO_UTC_TIMESTAMP (Spark).
# In sqlscore: `sqlscore transpile` refuses AT TIME ZONE: tables of the other engine have times in UTC.
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


duck, other = both("SELECT strftime(TIMESTAMP '2024-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin', '%H:%M')")
expect("noon in Berlin as a moment: DuckDB, Spark", (duck, other), (["10:00"], ["14:00"]))
duck, other = both("SELECT strftime(TIMESTAMPTZ '2024-07-01 12:00:00+00' AT TIME ZONE 'Europe/Berlin', '%H:%M')")
expect("noon UTC as local time, which is the other way: DuckDB, Spark", (duck, other), (["14:00"], ["14:00"]))
there = spark.sql("SELECT DATE_FORMAT(TO_UTC_TIMESTAMP(TIMESTAMP_NTZ '2024-07-01 12:00:00', 'Europe/Berlin'), 'HH:mm')")
expect("what Spark has for the first", there.collect()[0][0], "10:00")
spark.stop()
PY
