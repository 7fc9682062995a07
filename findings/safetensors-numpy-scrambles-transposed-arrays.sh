#!/usr/bin/env bash
# Library: safetensors 0.8.0 (safetensors.numpy), numpy 2.4.6
# Guess: a saved array comes back equal, or saving raises, as safetensors.torch does for a tensor that is not
#   contiguous.
# What happens: the array's memory is written as it lies, under its logical shape. A transposed or Fortran-ordered
#   array comes back with its numbers at other places, silently. Fortran order is what numpy.asfortranarray gives,
#   and what some fitted estimators hold. 0.7.0 copied and was right, so an upgrade alone breaks a model.
# Source: safetensors/safetensors#825 (open when this was written). numpy.ascontiguousarray before saving avoids it.
# In sqlscore: nothing; artifacts are not written by safetensors.numpy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for version in 0.7.0 0.8.0; do
    python3 -m venv --clear "$work/venv"
    "$work/venv/bin/pip" install -qq "safetensors==$version" numpy==2.4.6
    "$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

weights = np.arange(6.0).reshape(2, 3)
layouts = {"C order": weights, "transposed": weights.T, "Fortran order": np.asfortranarray(weights)}
kept = {name: bool(np.array_equal(load(save({"w": w}))["w"], w)) for name, w in layouts.items()}
print("safetensors", safetensors.__version__, "numpy", np.__version__, "comes back equal:", kept)
right = safetensors.__version__ == "0.7.0"
if kept != {"C order": True, "transposed": right, "Fortran order": right}:
    sys.exit("0.7.0 was right and 0.8.0 wrong for transposed arrays when this was recorded")
PY
done
