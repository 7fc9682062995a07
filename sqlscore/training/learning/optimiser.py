"""AdamW over a model's parameters laid end to end, so that a step is a few operations however many they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

_LONGEST = 1.0  # of the gradient
_BETAS, _EPSILON = (0.9, 0.999), 1e-8


class Optimiser:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2) with a schedule and gradients of bounded length.

    `torch.optim.AdamW` does the same. Its first instance imports torch's compiler, which takes 2 to 7 s of processor
    time, and every step visits each parameter several times.

    Args:
        model: its parameters become views of two long ones: those that decay, and those that do not.
        weight_decay: of linear and recurrent layers; embeddings, biases and gains do not decay.
        learning_rate: of a step whose rate is 1.
        rate: step from 0 -> what the learning rate is multiplied with.
    """

    def __init__(
        self, model: nn.Module, weight_decay: float, learning_rate: float, rate: Callable[[int], float]
    ) -> None:
        self.learning_rate, self.rate, self.done = learning_rate, rate, 0
        decayed: list[nn.Parameter] = []
        free: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            plain = parameter.dim() < 2 or name.startswith("embedding.")
            (free if plain else decayed).append(parameter)
        self.groups = [Flat(decayed, weight_decay), Flat(free, 0.0)]

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [group.gradient() for group in self.groups]
        length = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in gradients]))
        too_long = (length / _LONGEST).clamp(min=1.0)
        rate = self.learning_rate * self.rate(self.done)
        for group, gradient in zip(self.groups, gradients, strict=True):
            group.step(gradient.div_(too_long), rate)
        self.done += 1

    def state(self) -> dict[str, Any]:
        """All that determines the next steps beside the parameters, as plain values and tensors."""
        return {"done": self.done, "groups": [(group.mean, group.square, group.steps) for group in self.groups]}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self.done = state["done"]
        for group, held in zip(self.groups, state["groups"], strict=True):
            for mine, its in zip((group.mean, group.square, group.steps), held, strict=True):
                mine.copy_(its)


class Flat:
    """Parameters that decay alike, as views of one long one, and the running moments of its gradient."""

    def __init__(self, parameters: list[nn.Parameter], weight_decay: float) -> None:
        self.parameters, self.weight_decay = parameters, weight_decay
        sizes = [parameter.numel() for parameter in parameters]
        with torch.no_grad():
            self.flat = torch.cat([parameter.reshape(-1) for parameter in parameters])
            for parameter, part in zip(parameters, torch.split(self.flat, sizes), strict=True):
                parameter.data = part.view_as(parameter)
        self.mean, self.square = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self.steps = torch.zeros((), device=self.flat.device)

    def gradient(self) -> Tensor:
        """The gradient, 0 where the loss depends on no such parameter. It is taken: the next one begins at 0."""
        parts = []
        for parameter in self.parameters:
            grad = parameter.grad
            parts.append(torch.zeros(parameter.numel(), device=self.flat.device) if grad is None else grad.reshape(-1))
            parameter.grad = None
        return torch.cat(parts)

    def step(self, gradient: Tensor, learning_rate: float) -> None:
        """Move the parameters."""
        with torch.no_grad():
            adamw(
                [self.flat],
                [gradient],
                [self.mean],
                [self.square],
                [],
                [self.steps],
                fused=True,
                amsgrad=False,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                lr=learning_rate,
                weight_decay=self.weight_decay,
                eps=_EPSILON,
                maximize=False,
            )
