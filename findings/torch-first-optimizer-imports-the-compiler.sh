#!/usr/bin/env bash
# Library: torch 2.13.0 (CPU)
# Guess: an optimizer is plain Python beside the tensors it moves, and `import torch` has paid for all that it needs:
#   making an SGD over two numbers costs microseconds, and nothing of torch.compile is loaded where nobody compiles.
# What happens: the first optimizer of a process, whichever it is, imports torch._dynamo, the front end of the compiler,
#   and sympy with it: some 800 modules, three quarters as many as torch itself. It took 2 to 7 seconds of processor
#   time. `import torch.optim` alone imports none of them, so an import profile at start-up does not show it: it looks as
#   if the first training step, the first request or the first test were slow.
# Source: observed; Optimizer.add_param_group is wrapped by torch._disable_dynamo, which imports the compiler when called. The
#   functions that the optimizers call, such as torch.optim.adamw.adamw, do not import it.
# In sqlscore: training/learning/optimiser.py calls that function over one long parameter; a short training no longer
#   spends most of its time importing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0 numpy==2.4.6
cd "$work"
cat >first.py <<'PY'
import sys

import torch
import torch.optim
from torch.optim.adamw import adamw


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


kind = sys.argv[1]
parameter = torch.nn.Parameter(torch.zeros(2))
parameter.grad = torch.ones(2)
before = set(sys.modules)
expect("torch._dynamo is there after import torch.optim", "torch._dynamo" in before, False)
if kind == "adamw":
    zeros = [torch.zeros(2), torch.zeros(2)]
    with torch.no_grad():
        adamw([parameter], [parameter.grad], zeros[:1], zeros[1:], [], [torch.zeros(())], fused=True, amsgrad=False,
              beta1=0.9, beta2=0.999, lr=0.01, weight_decay=0.0, eps=1e-8, maximize=False)
else:
    getattr(torch.optim, kind)([parameter], lr=0.01)
new = set(sys.modules) - before
by_package = {name: sum(module.split(".")[0] == name for module in new) for name in ("torch", "sympy")}
print(f"{kind}: {len(new)} modules more than {len(before)}, {by_package}")
expect("torch._dynamo is there now", "torch._dynamo" in new, kind != "adamw")
expect("more than 500 modules were imported", len(new) > 500, kind != "adamw")
PY
"$work/venv/bin/python" -c "import torch; print('torch', torch.__version__)"
for kind in SGD AdamW adamw; do
    "$work/venv/bin/python" first.py "$kind"
done
