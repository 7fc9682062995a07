#!/usr/bin/env bash
# Library: duckdb 2.0.1, pandas 3.1.1, pyarrow 25.0.1, polars 2.1.0, datafusion 55.0.0
# Guess: arg_max(plan, at) is the plan in the newest row, as last(plan ORDER BY at) is; groupby().last() is a row.
# What happens: a customer who was on gold, then on free, and then cancelled (NULL) is on "free" with duckdb's arg_max
#   and max_by, though not with its last(); with pandas' groupby().last(), though not with tail(1) or nth(-1); and with
#   pyarrow's "last". polars' last() and max_by(), and datafusion's last_value(), say NULL. pandas' and pyarrow's
#   last() take each column's own newest value: plan and price come from two rows, and such a row never was.
# Source: observed; duckdb documents arg_max_null() beside it, pandas documents skipna and pyarrow skip_nulls of "last".
# In sqlscore: arg_max and max_by are applied to columns that mapped events must have, to what sqlscore itself fills, or
#   after WHERE ... IS NOT NULL (the person of a device, sqlscore/mapping/presets/posthog.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 pandas==3.1.1 pyarrow==25.0.1 polars==2.1.0 datafusion==55.0.0
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import datafusion
import duckdb
import polars as pl
import pyarrow as pa

print(*(f"{name} {version(name)}" for name in ("duckdb", "pandas", "pyarrow", "polars", "datafusion")))
changes = pa.table({"user": [1, 1, 1], "moment": [1, 2, 3], "plan": ["gold", "free", None], "paid": [9, None, None]})
seen = {}
duck = "arg_max(plan, moment)", "max_by(plan, moment)", "last(plan ORDER BY moment)", "arg_max_null(plan, moment)"
seen["duckdb"] = duckdb.sql(f"SELECT {', '.join(duck)} FROM changes").fetchall()[0]
frame = changes.to_pandas()
last = frame.groupby("user").last().iloc[0]
tail = frame.groupby("user").tail(1)["plan"]
seen["pandas"] = (last["plan"], int(last["paid"]), int(last["moment"]), bool(tail.isna().all()))
arrow = changes.group_by("user", use_threads=False).aggregate([("plan", "last"), ("paid", "last"), ("moment", "last")])
seen["pyarrow"] = tuple(arrow.select(["plan_last", "paid_last", "moment_last"]).to_pylist()[0].values())
plan = pl.col("plan")
polar = pl.from_arrow(changes).group_by("user").agg(last=plan.sort_by("moment").last(), by=plan.max_by("moment"))
seen["polars"] = polar.select("last", "by").row(0)
context = datafusion.SessionContext()
context.register_record_batches("changes", [changes.to_batches()])
fusion = context.sql("SELECT last_value(plan ORDER BY moment) AS plan FROM changes").to_arrow_table()
seen["datafusion"] = tuple(fusion.to_pylist()[0].values())
recorded = {
    "duckdb": ("free", "free", None, None),
    "pandas": ("free", 9, 3, True),
    "pyarrow": ("free", 9, 3),
    "polars": (None, None),
    "datafusion": (None,),
}
for name, values in seen.items():
    print(f"{name}: {values}")
if seen != recorded:
    sys.exit(f"{recorded} was recorded: a library has changed")
PY
