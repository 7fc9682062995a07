#!/usr/bin/env bash
# Library: duckdb 2.0.1, polars 2.1.0, pandas 3.1.1, pyarrow 25.0.1, datafusion 55.0.0
# Guess: seven days and a week cut time at the same places, and 14 days or two weeks do so alike in each library.
# What happens: Wednesday 4 March 2026 lies in the seven days from Monday 2 March in duckdb, from Thursday 26 February
#   in polars, pyarrow and datafusion (1970 began on a Thursday) and from itself in pandas' resample, which counts from
#   the first day of the data: one event more at the front moves all bins. One week begins on Monday, in
#   datafusion on Thursday; two weeks begin on 23 February in duckdb and pyarrow and on 2 March in polars: both Mondays,
#   and never the same fortnights.
# Source: observed; each documents its origin where it documents it at all.
# In sqlscore: weeks are cut by date_trunc('week') and no time_bucket is used; sqlscore lint looks at the moments that
#   time_bucket gives.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq duckdb==2.0.1 polars==2.1.0 pandas==3.1.1 pyarrow==25.0.1 datafusion==55.0.0
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import datetime, timedelta
from importlib.metadata import version

import datafusion
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

print(*(f"{name} {version(name)}" for name in ("duckdb", "polars", "pandas", "pyarrow", "datafusion")))
wednesday = datetime(2026, 3, 4, 12)
spans = "'7 days'", "'1 week'", "'14 days'", "'2 weeks'"
text = f"TIMESTAMP '{wednesday}'"
duck = duckdb.sql("SELECT " + ", ".join(f"time_bucket(INTERVAL {span}, {text})" for span in spans)).fetchall()[0]
polar = [pl.Series([wednesday]).dt.truncate(every)[0] for every in ("7d", "1w", "14d", "2w")]
units = (7, "day"), (1, "week"), (14, "day"), (2, "week")
arrow = [pc.floor_temporal(pa.scalar(wednesday), multiple=n, unit=unit).as_py() for n, unit in units]
bins = ", ".join(f"date_bin(INTERVAL {span}, {text}) AS c{i}" for i, span in enumerate(spans))
fusion = list(datafusion.SessionContext().sql(f"SELECT {bins}").to_arrow_table().to_pylist()[0].values())


def last_bin(*days_before):
    times = pd.DatetimeIndex([wednesday - timedelta(days=days) for days in days_before])
    return pd.Series(1, index=times).resample("7D").sum().index[-1]


seen = {
    "duckdb": duck, "polars": polar, "pyarrow": arrow, "datafusion": fusion, "pandas": [last_bin(0), last_bin(5, 0)],
}  # fmt: skip
seen = {name: " ".join(f"{at:%a-%d-%b}" for at in times) for name, times in seen.items()}
recorded = {
    "duckdb": "Mon-02-Mar Mon-02-Mar Mon-23-Feb Mon-23-Feb",
    "polars": "Thu-26-Feb Mon-02-Mar Thu-26-Feb Mon-02-Mar",
    "pyarrow": "Thu-26-Feb Mon-02-Mar Thu-26-Feb Mon-23-Feb",
    "datafusion": "Thu-26-Feb Thu-26-Feb Thu-26-Feb Thu-26-Feb",
    "pandas": "Wed-04-Mar Fri-27-Feb",
}
print("7 days, 1 week, 14 days, 2 weeks; pandas: 7 days of one event, and with another five days before it")
for name, days in seen.items():
    print(f"{name:11}{days}")
if seen != recorded:
    sys.exit(f"{recorded} was recorded: a library has changed")
PY
