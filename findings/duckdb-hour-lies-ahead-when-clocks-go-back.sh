#!/usr/bin/env bash
# Library: duckdb 2.0.1, datafusion 55.0.0, polars 2.1.0
# Guess: date_trunc never goes forward, and two events one hour apart are in two hours: an hour of TIMESTAMPTZ is wrong
#   at most where a zone's offset is no whole hour.
# What happens: in the hour that a zone has twice, date_trunc('hour', ...) gives the second one for both: 05:30 UTC
#   (01:30 in New York, the first time) is cut to 06:00 UTC, half an hour after the event, so the hour before is empty
#   and the next one counts double. In each zone with such a night all moments of one hour a year lie before their own
#   hour; time_bucket(INTERVAL '1 hour', ...) of the same engine, date_trunc of DataFusion and truncate of polars are
#   right. 'minute' and 'day' are right too. It needs a session in such a zone; in UTC nothing is seen.
# Source: observed; the documentation says "truncate to specified precision".
# In sqlscore: nothing cuts a TIMESTAMPTZ by the hour. Times are moments in UTC, and what is carried over to a warehouse
#   refuses date_trunc of anything but TIMESTAMP and DATE (sqlscore/dialects).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 datafusion==55.0.0 polars==2.1.0 pyarrow==25.0.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import UTC, datetime, timedelta

import datafusion
import duckdb
import polars as pl
import pyarrow as pa


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("duckdb", duckdb.__version__, "datafusion", datafusion.__version__, "polars", pl.__version__)
zone = "America/New_York"
clicks = [datetime(2024, 11, 3, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7)]
table = pa.table({"t": pa.array(clicks, pa.timestamp("us", zone))})


def utc(moments):
    return [moment.astimezone(UTC).strftime("%H:%M") for moment in moments]


con = duckdb.connect()
con.execute(f"SET TimeZone = '{zone}'")
by_hour = con.execute("SELECT date_trunc('hour', t), time_bucket(INTERVAL '1 hour', t) FROM \"table\"").fetchall()
expect("hours by date_trunc", utc(row[0] for row in by_hour), ["04:00", "06:00", "06:00", "07:00"])
right = ["04:00", "05:00", "06:00", "07:00"]
expect("hours by time_bucket", utc(row[1] for row in by_hour), right)
other = datafusion.SessionContext()
other.register_record_batches("clicks", [table.to_batches()])
hours = other.sql("SELECT date_trunc('hour', t) AS h FROM clicks").to_arrow_table()["h"].to_pylist()
expect("hours in DataFusion", utc(hours), right)
expect("hours in polars", utc(pl.from_arrow(table)["t"].dt.truncate("1h").to_list()), right)

minutes = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(366 * 1440)]
year = pa.table({"t": pa.array(minutes, pa.timestamp("us", "UTC"))})
for place, recorded in (("America/New_York", 60), ("Europe/Berlin", 60), ("Asia/Kolkata", 0), ("UTC", 0)):
    con.execute(f"SET TimeZone = '{place}'")
    ahead = con.execute("SELECT count(*) FROM year WHERE date_trunc('hour', t) > t").fetchone()[0]
    expect(f"minutes of 2024 that lie before their hour in {place}", ahead, recorded)
PY
