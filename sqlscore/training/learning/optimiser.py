"""The step of training: AdamW on torch's own fused kernel, without what `torch.optim` imports.

The first `torch.optim` object of a process imports torch's compiler, which takes as long as torch itself (1 to 3 s) and
is not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2); betas .9 and .999.

    groups: parameters, and how much of them decays a step, in units of the learning rate. rate: what the learning rate
    is multiplied with, by step from 0.
    """

    def __init__(
        self,
        groups: Sequence[tuple[list[Tensor], float]],
        learning_rate: float,
        rate: Callable[[int], float] = lambda step: 1.0,
    ) -> None:
        self.learning_rate = learning_rate
        self.rate = rate
        self._taken = 0
        self._groups = [([_Moving(parameter) for parameter in parameters], decay) for parameters, decay in groups]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for moving, _ in self._groups:
            for one in moving:
                one.parameter.grad = None

    def step(self) -> None:
        """Move the parameters that have a gradient."""
        learning_rate = self.learning_rate * self.rate(self._taken)
        self._taken += 1
        for group, decay in self._groups:
            gradients = [one.parameter.grad for one in group if one.parameter.grad is not None]
            moving = [one for one in group if one.parameter.grad is not None]
            if not moving:
                continue
            with torch.no_grad():
                steps = [one.steps.add_(1) for one in moving]
                torch._fused_adamw_(
                    [one.parameter for one in moving],
                    gradients,
                    [one.mean for one in moving],
                    [one.square for one in moving],
                    [],
                    steps,
                    lr=learning_rate,
                    beta1=0.9,
                    beta2=0.999,
                    weight_decay=decay,
                    eps=1e-8,
                    amsgrad=False,
                    maximize=False,
                )

    def state_dict(self) -> dict[str, Any]:
        """All that the next step follows from but parameters and gradients."""
        moments = [(one.steps, one.mean, one.square) for moving, _ in self._groups for one in moving]
        return {"taken": self._taken, "moments": moments}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._taken = state["taken"]
        own = [one for moving, _ in self._groups for one in moving]
        for one, moments in zip(own, state["moments"], strict=True):
            for tensor, value in zip((one.steps, one.mean, one.square), moments, strict=True):
                tensor.copy_(value)


class _Moving:
    """A parameter, the running means of its gradient and of the gradient's square, and how often it was moved."""

    def __init__(self, parameter: Tensor) -> None:
        self.parameter = parameter
        self.mean = torch.zeros_like(parameter, requires_grad=False)
        self.square = torch.zeros_like(parameter, requires_grad=False)
        self.steps = torch.zeros((), device=parameter.device)
