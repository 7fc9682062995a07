#!/usr/bin/env bash
# Library: sqlglot 30.30.0, from its duckdb dialect to spark, run on duckdb 2.0.1 and pyspark 4.3.0 (needs Java 17)
# Guess: what sqlglot parses as a function that it knows keeps its meaning in the other dialect, or raises with
#   unsupported_level=RAISE.
# What happens: the name is kept and the meaning is Spark's. log() is to base 10 in DuckDB and natural in Spark;
#   regexp_replace() replaces the first match, and all of them in Spark; skewness() and kurtosis() are the sample's, and
#   the population's in Spark; arg_max() passes over rows whose value is NULL, MAX_BY does not; CAST of 2.5 to a whole
#   number rounds, and cuts in Spark; the index in list_transform() counts from 1, and from 0 in Spark; date_diff()
#   counts boundaries, and full months in Spark. Nothing raises; each is another number.
# Source: observed, and the documentation of both engines; skewness and kurtosis by hand below.
# In sqlscore: `sqlscore transpile` writes log, arg_max, CAST and date_diff itself (sqlscore/dialects/spark) and refuses
#   regexp_replace, skewness, kurtosis and lambdas with an index; tests compare rows on both engines.
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


values = (1.0, 2.0, 4.0, 9.0)
n, mean = len(values), sum(values) / len(values)
m2, m3, m4 = (sum((x - mean) ** k for x in values) / n for k in (2, 3, 4))
skew, peak = m3 / m2**1.5, m4 / m2**2 - 3  # of the population
sample_skew = skew * (n * (n - 1)) ** 0.5 / (n - 2)
sample_peak = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * peak + 6)
four = "(VALUES (1.0::DOUBLE), (2.0), (4.0), (9.0)) t(x)"
for query, in_duckdb, in_spark in (
    ("SELECT round(log(1000.0), 6)", 3.0, 6.907755),
    ("SELECT regexp_replace('2024-01-31', '-', '')", "202401-31", "20240131"),
    (f"SELECT round(skewness(x), 6) FROM {four}", round(sample_skew, 6), round(skew, 6)),
    (f"SELECT round(kurtosis(x), 6) FROM {four}", round(sample_peak, 6), round(peak, 6)),
    ("SELECT arg_max(page, t) FROM (VALUES ('cart', 1), (NULL, 2)) v(page, t)", "cart", None),
    ("SELECT CAST(2.5 AS INTEGER)", 3, 2),
    ("SELECT list_transform([10, 20], LAMBDA x, i : x * i)[2]", 40, 20),
    ("SELECT date_diff('month', DATE '2024-01-31', DATE '2024-02-29')", 1, 0),
    ("SELECT date_diff('hour', TIMESTAMP '2024-01-31 22:59:00', TIMESTAMP '2024-01-31 23:01:00')", 1, 0),
):
    (duck,), (other,) = both(query)
    expect("DuckDB, Spark", (duck, other), (in_duckdb, in_spark))
spark.stop()
PY
