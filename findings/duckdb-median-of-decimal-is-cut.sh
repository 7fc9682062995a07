#!/usr/bin/env bash
# Library: duckdb 2.0.1, datafusion 55.0.0, polars 2.1.0, pyarrow 25.0.1
# Guess: the median of two values lies in the middle, as avg() does, and as median does for integers and floats.
# What happens: median and quantile_cont of a DECIMAL give a DECIMAL of the same scale, and what lies between is cut
#   towards 0: the median of 1 and 2 is 1 in DECIMAL(10, 0), while it is 1.5 in INTEGER and avg() of both is 1.5. A
#   quantile of amounts with cents lies up to a cent too near to 0. A literal such as 1.0 is a DECIMAL, so that it
#   happens to typed-in numbers too. DataFusion does the same, polars has 1.5; pyarrow has 1.5 for the quantile, and 2
#   for pc.mean, above the middle of 1 and 2.
# Source: observed; the documentation of quantile_cont says "the interpolated quantile". pyarrow's of mean names the type.
# In sqlscore: `transpile` refuses quantiles of decimals (cast to DOUBLE); its own are of
#   counts, and of epoch numbers whose size alone matters.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "duckdb==2.0.1" "datafusion==55.0.0" "polars==2.1.0" "pyarrow==25.0.1"
"$work/venv/bin/python" - <<'PY'
import sys
from decimal import Decimal
from importlib.metadata import version

import datafusion
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

print(", ".join(f"{name} {version(name)}" for name in ("duckdb", "datafusion", "polars", "pyarrow")))
amounts = pa.array([Decimal(1), Decimal(2)], pa.decimal128(10, 0))
query = "SELECT median({0}), avg({0}) FROM (VALUES (1), (2)) AS a (x)"
con, context = duckdb.connect(), datafusion.SessionContext()
seen = {}
for name, x in {"DECIMAL": "CAST(x AS DECIMAL(10, 0))", "INTEGER": "CAST(x AS INTEGER)"}.items():
    seen["duckdb", name] = con.execute(query.format(x)).fetchone()
    (batch,) = context.sql(query.format(x)).collect()
    seen["datafusion", name] = tuple(column[0].as_py() for column in batch.columns)
series = pl.Series([Decimal(1), Decimal(2)], dtype=pl.Decimal(10, 0))
seen["polars", "DECIMAL"] = (series.median(), series.mean())
seen["pyarrow", "DECIMAL"] = (pc.quantile(amounts, 0.5)[0].as_py(), pc.mean(amounts).as_py())
for (library, name), (median, mean) in seen.items():
    print(f"{library}, 1 and 2 as {name}: median {median}, mean {mean}")
found = {key: tuple(float(value) for value in values) for key, values in seen.items()}
recorded = {
    ("duckdb", "DECIMAL"): (1.0, 1.5), ("datafusion", "DECIMAL"): (1.0, 1.5), ("duckdb", "INTEGER"): (1.5, 1.5),
    ("datafusion", "INTEGER"): (1.5, 1.5), ("polars", "DECIMAL"): (1.5, 1.5), ("pyarrow", "DECIMAL"): (1.5, 2.0),
}
if found != recorded:
    sys.exit("another behaviour was recorded: DuckDB and DataFusion cut the median of decimals, pyarrow rounds the mean")
(cents,) = con.execute("SELECT quantile_cont(x::DECIMAL(10, 2), 0.99) FROM range(2) AS r (x)").fetchone()
print("99 % of 0.00 and 1.00 with two places:", cents, "- with three:",
      con.execute("SELECT quantile_cont(x::DECIMAL(10, 3), 0.995) FROM range(2) AS r (x)").fetchone()[0])
(negative,) = con.execute("SELECT median(-x::DECIMAL(10, 0)) FROM range(1, 3) AS r (x)").fetchone()
print("the median of -1 and -2:", negative)
if str(negative) != "-1":
    sys.exit("another behaviour was recorded: it is cut towards 0")
PY
