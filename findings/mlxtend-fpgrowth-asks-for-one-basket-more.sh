#!/usr/bin/env bash
# Library: mlxtend 0.25.0, pandas 3.1.1
# Guess: apriori, fpgrowth and hmine find the same itemsets for the same table and min_support; they differ in speed.
# What happens: fpgrowth, fpmax and hmine ask for one basket more where min_support * rows is a little above a whole
#   number in floating arithmetic. 0.07 * 100 is 7.000000000000001, rounded up to 8: bread and butter in 7 baskets of 100
#   are found by apriori, which compares shares, and by none of the others, nor are the rules that follow from them. Of
#   100 rows it is so at 7, 14, 28, 55 and 56 %, of 1,000 at none, of 10,000 at eight.
# Source: observed; math.ceil(min_support * len(df)) in fpgrowth.py, fpmax.py and hmine.py.
# In sqlscore: no itemsets are mined; how often a path, a step or a sign was seen is a whole number, and compared as one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq mlxtend==0.25.0 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import pandas as pd
from mlxtend.frequent_patterns import apriori, fpgrowth, fpmax, hmine


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


def pair_found(search, both, rows):
    """Whether bread and butter, which `both` of `rows` baskets have, are found at exactly this support."""
    alone = (rows - both) // 2
    bread, butter = [i < both + alone for i in range(rows)], [i < both or i >= both + alone for i in range(rows)]
    sets = search(pd.DataFrame({"bread": bread, "butter": butter}), min_support=both / rows, use_colnames=True)
    return frozenset({"bread", "butter"}) in set(sets.itemsets)


print("mlxtend", version("mlxtend"), "pandas", pd.__version__)
for search in (apriori, fpgrowth, fpmax, hmine):
    expect(f"{search.__name__}, 7 of 100", pair_found(search, 7, 100), search is apriori)
    expect(f"{search.__name__}, 8 of 100", pair_found(search, 8, 100), True)
for rows, off in ((100, [7, 14, 28, 55, 56]), (1000, []), (10_000, [7, 14, 17, 28, 34, 56, 68, 81])):
    percent = [p for p in range(1, 100) if not pair_found(fpgrowth, p * rows // 100, rows)]
    expect(f"per cent of {rows:,} rows at which fpgrowth finds no pair", percent, off)
PY
