#!/usr/bin/env bash
# Library: sqlglot 30.30.0, from its duckdb dialect to spark and databricks, run on duckdb 2.0.1 and pyspark 4.3.0
#   (needs Java 17)
# Guess: isodow(), which sqlglot does not pass on but writes out in arithmetic, counts Monday as 1 and Sunday as 7.
# What happens: it writes (DAYOFWEEK(d) % 7) + 1. Spark's DAYOFWEEK has 1 for Sunday, so Sunday is 2, Monday 3 and
#   Saturday 1: each weekday is two places on, "weekdays" (isodow < 6) are Saturday to Wednesday, and totals of a whole
#   week look right. It would be ((DAYOFWEEK(d) + 5) % 7) + 1, or WEEKDAY(d) + 1.
# Source: observed; ISO 8601 numbers Monday 1; documentation of DAYOFWEEK in Spark.
# In sqlscore: sqlscore/dialects/spark/times.py writes WEEKDAY(d) + 1, and tests/spark compare rows on both engines.
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


week = "(SELECT DATE '2024-01-01' + i::INTEGER AS d FROM (VALUES (0), (1), (2), (3), (4), (5), (6)) t(i)) days"
duck, other = both(f"SELECT isodow(d) FROM {week} ORDER BY d")
expect("Monday to Sunday in DuckDB", duck, [1, 2, 3, 4, 5, 6, 7])
expect("Monday to Sunday in Spark", other, [3, 4, 5, 6, 7, 1, 2])
duck, other = both(f"SELECT strftime(d, '%a') FROM {week} WHERE isodow(d) >= 6 ORDER BY d")
expect("weekend in DuckDB", duck, ["Sat", "Sun"])
expect("weekend in Spark", other, ["Thu", "Fri"])
(same,) = sqlglot.transpile("SELECT isodow(d)", read="duckdb", write="databricks", unsupported_level=ErrorLevel.RAISE)
expect("for Databricks", same, "SELECT ((DAYOFWEEK(d) % 7) + 1)")
spark.stop()
PY
