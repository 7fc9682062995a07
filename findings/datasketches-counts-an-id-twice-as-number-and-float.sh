#!/usr/bin/env bash
# Library: datasketches 5.2.0, pandas 3.1.1, numpy 2.4.6, duckdb 2.0.1
# Guess: a sketch of distinct users counts user 7 once, be it int or float, as == , set(), hash() and COUNT(DISTINCT) do.
# What happens: 7 and 7.0 are two users to hll_sketch. A day whose ids have one NULL comes out of pandas as floats, and
#   its union with the other days has twice the users; that day alone is right, so that no check of a day finds it.
#   numpy's whole numbers and float32 are taken as the int or the float that they are equal to, a text is a third user.
# Source: observed; the Python pages of hll_sketch list int, float and str, and are silent on equal ones.
# In sqlscore: users are counted exactly, and an id that is a DOUBLE is refused when it is mapped.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq datasketches==5.2.0 pandas==3.1.1 numpy==2.4.6 duckdb==2.0.1
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import duckdb
import pandas as pd
from datasketches import hll_sketch, hll_union

print(*(f"{name} {version(name)}" for name in ("datasketches", "pandas", "numpy", "duckdb")))


def sketch(ids):
    made = hll_sketch(14)
    for one in ids:
        made.update(one)
    return made


def distinct(*sketches):
    union = hll_union(14)
    for one in sketches:
        union.update(one)
    return union.get_result().get_estimate()


monday = pd.DataFrame({"user": range(1000)})
tuesday = pd.DataFrame({"user": [*range(1000), None]})
days = [sketch(day["user"].dropna()) for day in (monday, tuesday)]
alone, both = [round(day.get_estimate(), -1) for day in days], round(distinct(*days), -1)
as_int = round(distinct(days[0], sketch(tuesday["user"].dropna().astype("int64"))), -1)
as_text = round(distinct(*days, sketch(map(str, range(1000)))), -1)
exact = duckdb.sql(
    "SELECT count(DISTINCT \"user\") FROM (FROM monday UNION ALL FROM tuesday) WHERE NOT isnan(\"user\")"
).fetchall()[0][0]
print("each day:", alone, "both:", both, "both as int:", as_int, "with texts:", as_text, "exact:", exact)
near = zip((*alone, both, as_int, as_text), (1000, 1000, 2000, 1000, 3000), strict=True)
if exact != 1000 or any(abs(seen - recorded) > 0.03 * recorded for seen, recorded in near):
    sys.exit("expected 1000, 1000, 2000, 1000, 3000 and 1000: a library has changed")
PY
