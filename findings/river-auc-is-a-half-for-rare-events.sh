#!/usr/bin/env bash
# Library: river 0.26.1, scikit-learn 1.9.1
# Guess: river's metrics.ROCAUC is the AUC, as scikit-learn's, or near to it: only the order of the scores matters.
# What happens: it counts at 10 thresholds spread evenly over 0 to 1. For rare events every score lies under the
#   first of them, and the answer is 0.5 whatever the model knows; multiplying all scores by 400 changes it to about
#   the right one.
# Source: documentation of river.metrics.ROCAUC, n_thresholds; that it says 0.5 for rare events is observed.
# In sqlscore: AUC is scikit-learn's, over all scores.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq river==0.26.1 scikit-learn==1.9.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import river
import sklearn
from river import metrics
from sklearn.metrics import roc_auc_score


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("river", river.__version__, "scikit-learn", sklearn.__version__)
random = np.random.default_rng(0)
bought = random.random(5000) < 0.02
score = 0.0005 * bought + random.random(5000) * 0.001 + 0.001


def river_auc(scores):
    metric = metrics.ROCAUC()
    for happened, said in zip(bought.tolist(), scores.tolist(), strict=True):
        metric.update(happened, said)
    return float(metric.get())


expect("scikit-learn", round(float(roc_auc_score(bought, score)), 2), 0.89)
expect("river", river_auc(score), 0.5)
scaled = river_auc(score * 400)
print("river, scores times 400:", round(scaled, 3))
expect("which is near the right one", abs(scaled - roc_auc_score(bought, score)) < 0.03, True)
PY
