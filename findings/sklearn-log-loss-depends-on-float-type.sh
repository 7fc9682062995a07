#!/usr/bin/env bash
# Library: scikit-learn 1.9.1, numpy 2.4.6
# Guess: log_loss of the same probabilities is the same number whether they are float32 or float64.
# What happens: probabilities are clipped at the epsilon of their own type: a sure and wrong answer costs 36.04 as
#   float64 and 15.94 as float32. One wrong 0 or 1 among 100 rows moves the mean by 0.2. Two models are not
#   comparable when one library answers in float32 (torch) and the other in float64.
# Source: documentation of sklearn.metrics.log_loss, notes on clipping; the size of it observed.
# In sqlscore: its own mean of -log(p) for next actions, with one floor, in float64; risks are kept from 0 and 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq scikit-learn==1.9.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import sklearn
from sklearn.metrics import log_loss


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
truth = [0] * 50 + [1] * 50
probability = np.array([0.1] * 50 + [0.9] * 49 + [0.0])  # the last one is sure, and wrong
double, single = (float(log_loss(truth, probability.astype(kind))) for kind in (np.float64, np.float32))
expect("float64", round(double, 3), 0.465)
expect("float32", round(single, 3), 0.264)
alone = [round(float(log_loss([1], np.array([0.0], kind), labels=[0, 1])), 2) for kind in (np.float64, np.float32)]
expect("the wrong one alone", alone, [36.04, 15.94])
PY
