#!/usr/bin/env bash
# Library: torch 2.13.0 (CPU)
# Guess: evaluating a model in the middle of training, in order and under no_grad, leaves the training as it was.
# What happens: each iteration over a DataLoader, also with shuffle=False and no workers, draws a number from the
#   global random stream. One more validation pass changes every later shuffle, dropout and sample: "I only added a
#   metric" gives another model for the same seed. A DataLoader with a generator of its own does not draw.
# Source: observed; the draw is the base seed of worker processes, taken although there are none.
# In sqlscore: batches are made without DataLoader.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import torch
from torch.utils.data import DataLoader, TensorDataset


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("torch", torch.__version__)
data = TensorDataset(torch.arange(10))


def next_draw(loader=None):
    torch.manual_seed(0)
    if loader is not None:
        for _ in loader:
            pass
    return round(float(torch.rand(1)), 4)


alone = next_draw()
expect("the next random number", alone, 0.4963)
passed = next_draw(DataLoader(data, batch_size=5, shuffle=False))
print("after a pass in order:", passed)
expect("which is the same", passed == alone, False)
own = next_draw(DataLoader(data, batch_size=5, shuffle=False, generator=torch.Generator()))
expect("after a pass with its own generator", own, alone)
PY
