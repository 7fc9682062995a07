#!/usr/bin/env bash
# Library: torch 2.13.0, numpy 2.4.6
# Guess: sums of groups are as exact as sum(): of 30 million amounts of 0.1, bincount(users, weights=amounts) has about
#   3,000,000, as numpy's bincount has and as sum() of the same tensor says.
# What happens: bincount, index_add_ and segment_reduce add one float32 after another and stand still where an amount is
#   less than half of the last digit: 2,097,152 for one user, 30 % less, and any further amount changes nothing. sum()
#   adds in pairs, which hides it. Counts by weights of 1 end at 16,777,216. Amounts in float64 are right.
# Source: observed; the documentation of bincount says "adds weights[i]", and of numpy's too, which adds in float64.
# In sqlscore: sums by user are DuckDB's or numpy's; the one index_add, of a head's gains, adds in float64.
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
n = 30_000_000
amounts = torch.full((n,), 0.1)
user = torch.zeros(n, dtype=torch.int64)
exact = round(n * float(np.float32(0.1)))
expect("amounts by multiplication", exact, 3_000_000)
expect("numpy's bincount", round(float(np.bincount(user.numpy(), amounts.numpy())[0])), exact)
expect("sum() is within one in a thousand", abs(amounts.sum().item() / exact - 1) < 1e-3, True)
expect("bincount", torch.bincount(user, weights=amounts).item(), 2_097_152.0)
expect("index_add_", torch.zeros(1).index_add_(0, user, amounts).item(), 2_097_152.0)
expect("segment_reduce", torch.segment_reduce(amounts, "sum", lengths=torch.tensor([n])).item(), 2_097_152.0)
expect("bincount of float64", round(torch.bincount(user, weights=amounts.double()).item()), exact)
expect("bincount of ones", torch.bincount(user, weights=torch.ones(n)).item(), 16_777_216.0)
PY
