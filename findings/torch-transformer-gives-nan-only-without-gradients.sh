#!/usr/bin/env bash
# Library: torch 2.13.0 (CPU)
# Guess: the gradient mode changes whether gradients are kept, never the result; in eval() a layer is one function.
# What happens: TransformerEncoderLayer has a fast path that is taken in eval() without gradients only. For a
#   sequence whose every position is padding (a user without events in the window) it gives NaN; with gradients on
#   the same layer and input give finite numbers. So validation during training, or a test without no_grad, never
#   shows what serving shows.
# Source: pytorch/pytorch#190486 (a fix, open when this was written) and #118628.
# In sqlscore: a group without events gives NULL before any model is asked, and NaN from a model raises.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys

import torch


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("torch", torch.__version__)
torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True, dropout=0.0).eval()
events = torch.randn(2, 4, 8)
padding = torch.tensor([[False, False, True, True], [True, True, True, True]])
with_gradients = layer(events, src_key_padding_mask=padding)
with torch.no_grad():
    without = layer(events, src_key_padding_mask=padding)
expect("NaN with gradients, by user", with_gradients.isnan().any(2).any(1).tolist(), [False, False])
expect("NaN without, by user", without.isnan().any(2).any(1).tolist(), [False, True])
seen = torch.allclose(with_gradients[0, :2], without[0, :2], atol=1e-5)
expect("the same where there are events", seen, True)
PY
