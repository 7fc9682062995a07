#!/usr/bin/env bash
# Library: ibis-framework 12.0.0 with duckdb 2.0.1, polars 2.1.0 and SQLite
# Guess: an expression of ibis has one answer, whichever of its backends runs it; that is what it is for. nunique() leaves
#   NULL out, as COUNT(DISTINCT) does and as count() of the same column.
# What happens: on polars NULL is one more value: a user without any known campaign has "1" campaign, and a column has
#   more distinct values than values. x % 7 has the sign of x on DuckDB and SQLite and is never negative on polars, so the
#   weekday of a day before 1970 is another one. x // 7 rounds down on all of them, so that 7 * (x // 7) + x % 7, which is x
#   in Python and on polars, is x - 7 on the other two.
# Source: observed; nunique() is documented as the "number of distinct elements".
# In sqlscore: there is one engine; what is compared with Spark or MySQL is compared by rows (tests/spark, tests/mysql).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "ibis-framework[duckdb,polars,sqlite]==12.0.0" duckdb==2.0.1 polars==2.1.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys

import duckdb
import ibis
import polars as pl


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("ibis", ibis.__version__, "duckdb", duckdb.__version__, "polars", pl.__version__)
visits = ibis.memtable({"user": [1, 1, 2], "campaign": ["spring", "spring", None]}, schema={"user": "int64", "campaign": "string"})
by_user = visits.group_by("user").agg(campaigns=visits.campaign.nunique(), known=visits.campaign.count()).order_by("user")
days = ibis.memtable({"day": [-8, -1, 8]})
parts = days.mutate(week=days.day // 7, rest=days.day % 7, again=7 * (days.day // 7) + days.day % 7).order_by("day")
sql = {"campaigns": [1, 0], "rest": [-1, -1, 1], "again": [-15, -8, 8]}
python = {"campaigns": [1, 1], "rest": [6, 6, 1], "again": [-8, -1, 8]}
for name, recorded in (("duckdb", sql), ("sqlite", sql), ("polars", python)):
    backend = getattr(ibis, name).connect()
    counted, split = backend.execute(by_user), backend.execute(parts)
    expect(f"{name}, values known by user", counted["known"].tolist(), [2, 0])
    expect(f"{name}, distinct values by user", counted["campaigns"].tolist(), recorded["campaigns"])
    expect(f"{name}, -8 // 7, -1 // 7, 8 // 7", split["week"].tolist(), [-2, -1, 1])
    expect(f"{name}, -8 % 7, -1 % 7, 8 % 7", split["rest"].tolist(), recorded["rest"])
    expect(f"{name}, put together again", split["again"].tolist(), recorded["again"])
PY
