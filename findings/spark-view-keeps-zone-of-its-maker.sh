#!/usr/bin/env bash
# Library: pyspark 4.3.0 (needs Java 17)
# Guess: a temporary view is text that is run in the session that reads it: after SET TIME ZONE, hours and days of a
#   view are those of the new zone, as in the same query without a view.
# What happens: a view cuts times in the zone that the session had when the view was made. CURRENT_TIMEZONE() in the same
#   view is the reader's, so a check with it passes, and hours are of another zone. DATE_FORMAT(t, 'VV') tells the zone
#   in which the view cuts.
# Source: observed; the documentation of CREATE VIEW does not say that settings are kept.
# In sqlscore: SQL that is carried over to Spark is right in UTC alone, and says so by DATE_FORMAT where it is another.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pyspark==4.3.0
cd "$work"
export SPARK_LOCAL_IP=127.0.0.1
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import sys

import pyspark
from pyspark.sql import SparkSession


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        print(f"{what}: {recorded} was recorded, {seen} is seen now")  # what Spark writes to stderr is left out
        sys.exit(1)


print("pyspark", pyspark.__version__)
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
query = "SELECT HOUR(TIMESTAMP_MICROS(0)) AS hour, CURRENT_TIMEZONE() AS said, DATE_FORMAT(TIMESTAMP_MICROS(0), 'VV') AS cut"


def row(text):
    return tuple(spark.sql(text).collect()[0])


spark.sql("SET TIME ZONE 'America/New_York'")
spark.sql(f"CREATE TEMPORARY VIEW made_in_new_york AS {query}")
spark.sql("SET TIME ZONE 'UTC'")
expect("the query in UTC", row(query), (0, "UTC", "UTC"))
expect("its view in UTC", row("SELECT * FROM made_in_new_york"), (19, "UTC", "America/New_York"))
spark.stop()
PY
