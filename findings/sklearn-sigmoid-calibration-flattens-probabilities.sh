#!/usr/bin/env bash
# Library: scikit-learn 1.9.1
# Guess: CalibratedClassifierCV(method="sigmoid") mends a classifier that is too sure of itself, whichever way the
#   classifier says its scores; given all of a large sample it finds the right curve, which is a sigmoid of the logit.
# What happens: it fits 1 / (1 + exp(a f + b)) to the decision function if there is one, and else to the probability as
#   it stands, not to its logit. One model with the same scores is calibrated to .95 with a decision_function and to
#   .77 without, where .95 is true; nobody can be said to be likelier than that, or less likely than .23. Forests
#   have no decision_function, nor has a wrapper that only hands probabilities on. method="temperature" turns
#   probabilities into logits, and has the same .95 either way.
# Source: observed; Platt (1999) fits to the margin, and the documentation names either input.
# In sqlscore: Platt's a and b are fitted to logits (sqlscore/training/learning/churn_calibration.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq scikit-learn==1.9.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

print("scikit-learn", version("scikit-learn"))


class TooSure(ClassifierMixin, BaseEstimator):
    """Says three times the true logit."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        self.fitted_ = True
        return self

    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-3 * x[:, 0]))
        return np.column_stack([1 - p, p])

    def predict(self, x):
        return (x[:, 0] > 0).astype(int)


class WithDecision(TooSure):
    def decision_function(self, x):
        return 3 * x[:, 0]


random = np.random.default_rng(0)
x = random.normal(size=(100_000, 1))
y = (random.random(len(x)) < 1 / (1 + np.exp(-x[:, 0]))).astype(int)
asked = np.array([[-3.0], [0.0], [3.0]])
print("true:", (1 / (1 + np.exp(-asked[:, 0]))).round(2))
recorded = {
    ("sigmoid", TooSure): (0.23, 0.5, 0.77),
    ("sigmoid", WithDecision): (0.05, 0.5, 0.95),
    ("temperature", TooSure): (0.05, 0.5, 0.95),
    ("temperature", WithDecision): (0.05, 0.5, 0.95),
}
for (method, kind), expected in recorded.items():
    model = CalibratedClassifierCV(FrozenEstimator(kind().fit(x, y)), method=method).fit(x, y)
    seen = model.predict_proba(asked)[:, 1]
    print(f"{method}, {kind.__name__}: {seen.round(2)}")
    if np.abs(seen - expected).max() > 0.02:
        sys.exit(f"{expected} was recorded: scikit-learn has changed")
PY
