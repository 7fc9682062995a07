#!/usr/bin/env bash
# Library: bottleneck 1.6.0 beside pandas 3.1.1, numpy 2.4.6
# Guess: bottleneck makes pandas faster, as its documentation recommends, and changes no result.
# What happens: pandas takes var() and std() from bottleneck where it is installed. It adds float32 one after another in
#   float32, where pandas by itself adds in pairs: of ten million prices around 100 with a standard deviation of 1 it
#   says 11, in describe() and DataFrame.std() too. mean() and sum() are not handed over, and look right. float64 is right
#   as well. The number depends on what else somebody installed; pd.set_option("compute.use_bottleneck", False) ends it.
# Source: observed; documentation of pandas, "recommended dependencies". pandas keeps sums away from bottleneck for this
#   reason (pandas/core/nanops.py), and variances not.
# In sqlscore: deviations are computed in DuckDB, in float64, or in numpy over float64; pandas is only handed what is ready.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pandas==3.1.1 numpy==2.4.6 bottleneck==1.6.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys

import bottleneck
import numpy as np
import pandas as pd


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("pandas", pd.__version__, "numpy", np.__version__, "bottleneck", bottleneck.__version__)
prices = (100 + np.random.default_rng(0).normal(size=10_000_000)).astype(np.float32)
column = pd.Series(prices)


def deviations():
    several = (column.std(), pd.DataFrame({"price": column})["price"].std(), column.describe()["std"])
    return [round(float(one), 1) for one in several]


expect("numpy, float64", round(float(prices.astype(np.float64).std()), 1), 1.0)
expect("pandas with bottleneck: std() and describe()", deviations(), [11.0, 11.0, 11.0])
expect("mean", round(float(column.mean())), 100)
expect("std of float64", round(float(column.astype("float64").std()), 1), 1.0)
pd.set_option("compute.use_bottleneck", False)
expect("pandas without bottleneck", deviations(), [1.0, 1.0, 1.0])
PY
