#!/usr/bin/env bash
# Library: scikit-survival 0.28.0, against lifelines 0.30.3
# Guess: a concordance index depends on the order of the risks alone: in other units, per second instead of per year, it
#   is the same.
# What happens: risks that differ by less than 1e-8 are ties. The same model has .635 with hazards a year, .630 in units
#   ten million times as large, and exactly .5 in units a hundred million times as large; on the way there the index
#   rises above the true one, as near pairs, which are the most often wrong, become ties. concordance_index_ipcw and
#   cumulative_dynamic_auc do the same; lifelines' index does not move.
# Source: documentation of tied_tol ("the tolerance value for considering ties"); that it is absolute, and what it costs,
#   observed.
# In sqlscore: ranking metrics compare risks as they are, without a tolerance.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq "scikit-survival==0.28.0" "lifelines==0.30.3"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from lifelines.utils import concordance_index
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw, cumulative_dynamic_auc
from sksurv.util import Surv

print("scikit-survival", version("scikit-survival"), "lifelines", version("lifelines"))
random = np.random.default_rng(0)
hazard = random.random(500)
time = random.exponential(1 / (0.2 + hazard))
happened = random.random(500) < 0.7
outcome = Surv.from_arrays(happened, time)
seen = {}
for unit in (1.0, 1e-6, 1e-7, 1e-8):
    risk = hazard * unit
    seen[unit] = tuple(
        round(float(value), 5)
        for value in (
            concordance_index_censored(happened, time, risk)[0],
            concordance_index_ipcw(outcome, outcome, risk)[0],
            cumulative_dynamic_auc(outcome, outcome, risk, [0.5, 1.0])[1],
            concordance_index(time, -risk, happened),
        )
    )
    print(f"hazards times {unit:g}: concordance, with weights, AUC, of lifelines: {seen[unit]}")
if {values[3] for values in seen.values()} != {0.63535}:
    sys.exit("another behaviour was recorded: .63535 from lifelines in every unit")
if seen[1e-8][:2] != (0.5, 0.5) or [seen[unit][0] for unit in (1.0, 1e-6, 1e-7)] != [0.63535, 0.63546, 0.62977]:
    sys.exit("another behaviour was recorded: .63535, then .63546, .62977 and .5 from scikit-survival")
PY
