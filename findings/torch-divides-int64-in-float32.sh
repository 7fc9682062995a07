#!/usr/bin/env bash
# Library: torch 2.13.0 (CPU), numpy 2.4.6
# Guess: whole numbers divided by a whole number keep their precision; NumPy and pandas answer in float64.
# What happens: int64 / int is float32 in torch, which has 24 bits. Seconds since 1970 have 31: minutes that are
#   made of them by / 60 are off by up to 64 seconds, and two events one minute apart fall together. A comparison of
#   an int64 tensor with a float tensor is in float32 too: 16777217 == 16777216.0 is True.
# Source: documentation of torch.div and of type promotion (the default dtype, not the widest one); the size
#   observed.
# In sqlscore: times stay microseconds in int64; only what is taken of them, such as gaps, becomes float32.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import torch


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("torch", torch.__version__, "numpy", np.__version__)
seconds = [1_795_824_000 + 60 * minute for minute in range(5)]
in_numpy = (np.array(seconds) / 60).tolist()
in_torch = (torch.tensor(seconds) / 60).tolist()
expect("numpy, minutes after the first", [value - in_numpy[0] for value in in_numpy], [0.0, 1.0, 2.0, 3.0, 4.0])
expect("torch, different minutes", len(set(in_torch)), 3)
expect("dtype", str((torch.tensor(seconds) / 60).dtype), "torch.float32")
expect("torch, with //", len(set((torch.tensor(seconds) // 60).tolist())), 5)
equal = bool((torch.tensor([16_777_217]) == torch.tensor([16_777_216.0]))[0])
expect("16777217 == 16777216.0", equal, True)
PY
