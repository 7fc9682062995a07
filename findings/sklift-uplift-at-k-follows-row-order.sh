#!/usr/bin/env bash
# Library: scikit-uplift 0.5.1, scikit-learn 1.9.1
# Guess: a model that says the same for everybody has the same uplift at the top 30 % however the rows are sorted, and
#   the uplift of a segment model does not depend on which members of a segment come first.
# What happens: ties are cut wherever the rows happen to lie, the last rows first. One data set and one constant model
#   give 0, .046 or .079 by the order of the rows; exported with buyers last, a model that knows nothing looks good.
#   qini_auc_score of the same library takes ties as one step and gives 0 every time.
# Source: documentation of sklift.metrics.uplift_at_k, which is silent on ties; observed.
# In sqlscore: threshold tables cut at a risk and not at a place, so users of one risk are never parted.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq scikit-uplift==0.5.1 scikit-learn==1.9.1 numpy==2.1.3
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from sklift.metrics import qini_auc_score, uplift_at_k


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("scikit-uplift", version("scikit-uplift"), "scikit-learn", version("scikit-learn"))
random = np.random.default_rng(0)
n = 10_000
treated = random.integers(0, 2, n)
persuadable = random.random(n) < 0.3
bought = (random.random(n) < 0.1 + 0.2 * treated * persuadable).astype(int)
constant = np.full(n, 0.05)
orders = {
    "as they came": np.arange(n),
    "buyers first": np.argsort(-bought, kind="stable"),
    "buyers last": np.argsort(bought, kind="stable"),
}
for (name, order), recorded in zip(orders.items(), (0.046, 0.0, 0.079), strict=True):
    at_k = uplift_at_k(bought[order], constant[order], treated[order], strategy="overall", k=0.3)
    expect(f"uplift at 30 % of a constant model, {name}", round(float(at_k), 3), recorded)
    qini = qini_auc_score(bought[order], constant[order], treated[order])
    expect(f"Qini of it, {name}", round(float(qini), 3), 0.0)
PY
