"""A gated recurrent unit over packed sequences with a gradient written by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class PackedGRU(torch.autograd.Function):
    """The equations of `GRU` on the CPU, sequences packed as `packing_of` says.

    What no step needs of another is computed for all events at once, in the gradient too; autograd records every
    small operation of every step instead, which took twice as long for many short sequences as for few.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        start: Tensor,
        weight: Tensor,
        weight_h: Tensor,
        bias: Tensor,
        bias_h: Tensor,
        sizes: list[int],
    ) -> Tensor:
        """States after every event.

        Args:
            ctx: keeps what the gradient needs.
            x: (T, E), packed.
            start: (M, H), longest sequence first.
            weight: (3H, E), of r, z and the candidate, as in `nn.GRU`.
            weight_h: (3H, H).
            bias: (3H,).
            bias_h: (3H,).
            sizes: (L,), how many sequences have each step.

        Returns:
            (T, H), packed.
        """
        size = weight_h.shape[1]
        two = 2 * size
        gates = torch.addmm(bias[:two] + bias_h[:two], x, weight[:two].t())  # (T, 2H)
        candidate = torch.addmm(bias[two:], x, weight[two:].t())  # (T, H)
        by_gates, by_candidate, bias_ = weight_h[:two].t(), weight_h[two:].t(), bias_h[two:]
        states, inner = torch.empty_like(candidate), torch.empty_like(candidate)
        steps, candidates = torch.split(gates, sizes), torch.split(candidate, sizes)
        after, inners = torch.split(states, sizes), torch.split(inner, sizes)
        h = start
        for i, step in enumerate(sizes):
            before = h if step == h.shape[0] else h[:step]
            r, z = steps[i].addmm_(before, by_gates).sigmoid_().chunk(2, 1)
            torch.addmm(bias_, before, by_candidate, out=inners[i])
            h = torch.lerp(candidates[i].addcmul_(r, inners[i]).tanh_(), before, z, out=after[i])
        ctx.save_for_backward(x, start, weight, weight_h, gates, candidate, inner, states)
        ctx.sizes = sizes
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of what `forward` was given.

        With d the gradient of h_t, all steps that read it included, and n = h~_t, k = U h_{t-1} + b of the candidate:
        of the candidate's sum d (1 - z)(1 - n^2), of k that times r, of r's sum that times k r (1 - r), of z's sum
        d (h_{t-1} - n) z (1 - z). Only d runs from step to step.
        """
        x, start, weight, weight_h, gates, candidate, inner, states = ctx.saved_tensors
        sizes: list[int] = ctx.sizes
        events, size = states.shape
        d = gradients[0].clone(memory_format=torch.contiguous_format)  # (T, H)
        r, z = gates.chunk(2, 1)
        after, by_event = torch.split(states, sizes), torch.split(d, sizes)
        before = torch.cat([start, *(h[:step] for h, step in zip(after[:-1], sizes[1:], strict=True))])  # (T, H)
        keep = 1.0 - z
        of_candidate = (1.0 - candidate * candidate).mul_(keep)
        factors = torch.empty(events, 3, size, dtype=d.dtype)  # what d is multiplied with
        torch.mul(of_candidate, inner, out=factors[:, 0]).mul_(r).mul_(1.0 - r)
        torch.mul((before - candidate).mul_(z), keep, out=factors[:, 1])
        torch.mul(of_candidate, r, out=factors[:, 2])
        sums = torch.empty(events, 3 * size, dtype=d.dtype)  # the gradients of U h_{t-1} + b
        factored, carried, flat = torch.split(factors, sizes), torch.split(z, sizes), torch.split(sums, sizes)
        products = torch.split(sums.view(events, 3, size), sizes)
        first = None
        for i in reversed(range(len(sizes))):
            torch.mul(factored[i], by_event[i].unsqueeze(1), out=products[i])
            if i:
                by_event[i - 1][: sizes[i]].addcmul_(by_event[i], carried[i]).addmm_(flat[i], weight_h)
            elif ctx.needs_input_grad[1]:
                first = torch.mul(by_event[i], carried[i]).addmm_(flat[i], weight_h)
        of_weight_h, of_bias_h = sums.t() @ before, sums.sum(0)
        torch.mul(d, of_candidate, out=sums[:, 2 * size :])  # from here on those of W x_t + b
        return sums @ weight, first, sums.t() @ x, of_weight_h, sums.sum(0), of_bias_h, None
