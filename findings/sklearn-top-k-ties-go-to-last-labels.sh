#!/usr/bin/env bash
# Library: scikit-learn 1.9.1, numpy 2.4.6
# Guess: top_k_accuracy_score breaks ties evenly, or by the first label, as argmax does: k = 1 is accuracy.
# What happens: ties go to the labels that come last. A model that says the same for all four actions has a top-2
#   accuracy of 0 where the first two happen, and of 1 where the last two do: renaming actions changes the figure.
#   With k = 1 it is not the accuracy of argmax. A model that gives rare actions exactly 0 is judged by the
#   alphabet.
# Source: documentation of sklearn.metrics.top_k_accuracy_score, notes on ties.
# In sqlscore: its own top-3, which counts an action where fewer than three are strictly more probable.
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
from sklearn.metrics import accuracy_score, top_k_accuracy_score


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("scikit-learn", sklearn.__version__, "numpy", np.__version__)
same = np.full((6, 4), 0.25)
labels = [0, 1, 2, 3]
found = [float(top_k_accuracy_score([action] * 6, same, k=2, labels=labels)) for action in labels]
expect("top-2 of equal scores, by what happened", found, [0.0, 0.0, 1.0, 1.0])
truth = [0] * 6
top1 = float(top_k_accuracy_score(truth, same, k=1, labels=labels))
expect("top-1 and accuracy of argmax", (top1, float(accuracy_score(truth, same.argmax(1)))), (0.0, 1.0))
PY
