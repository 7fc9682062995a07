#!/usr/bin/env bash
# Library: torchmetrics 1.9.0, torch 2.14.1
# Guess: an AUC or a calibration error over a data set is the same however it is cut into batches.
# What happens: each update() looks whether some value lies outside 0 to 1. If so, the whole batch goes through a
#   sigmoid; if not, the logits are taken as they are. A batch whose logits happen to lie between 0 and 1 is thereby
#   mixed with others of another scale: the AUC falls from .750 to .698 and the calibration error rises from .022 to
#   .079 with batches of one, and nothing is said.
# Source: torchmetrics' documentation of BinaryAUROC says that logits are recognised by their range ("will auto apply
#   sigmoid"); that it is decided batch by batch, and what that costs, is observed.
# In sqlscore: metrics are computed once over all rows, from probabilities that the model has already made.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.14.1 torchmetrics==1.9.0 numpy
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import torch
import torchmetrics
from torchmetrics.classification import BinaryAUROC, BinaryCalibrationError


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
random = torch.Generator().manual_seed(0)
logits = torch.randn(1000, generator=random)
left = (torch.rand(1000, generator=random) < torch.sigmoid(logits)).long()


def by_batches(values, size):
    auc, calibration = BinaryAUROC(), BinaryCalibrationError(n_bins=10)
    for start in range(0, len(values), size):
        auc.update(values[start : start + size], left[start : start + size])
        calibration.update(values[start : start + size], left[start : start + size])
    return round(float(auc.compute()), 3), round(float(calibration.compute()), 3)


expect("AUC and calibration error, one batch of logits", by_batches(logits, 1000), (0.75, 0.022))
expect("the same logits in batches of two", by_batches(logits, 2), (0.729, 0.039))
expect("the same logits one by one", by_batches(logits, 1), (0.698, 0.079))
expect("probabilities one by one", by_batches(torch.sigmoid(logits), 1), (0.75, 0.022))
PY
