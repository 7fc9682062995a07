"""The minGRU's two ways to run give one result."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.models.encoders.linear_scan import all_at_once
from sqlscore.models.encoders.mingru import MinGRU
from sqlscore.models.ragged.scan import scan_


def linear(keep: torch.Tensor, add: torch.Tensor, start: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """The recurrence as it is written."""
    found = []
    for i, (low, high) in enumerate(zip(offsets.tolist(), offsets.tolist()[1:], strict=False)):
        h = start[i]
        for t in range(low, high):
            h = keep[t] * h + add[t]
            found.append(h)
    return torch.stack(found)


@pytest.mark.parametrize("lengths", [[1], [2, 0, 1], [5, 64, 0, 3], [1_500, 7]])
def test_parallel_in_training_equals_sequential_in_scoring(lengths: list[int]) -> None:
    """arXiv 2410.01201: both are the same model, also for long sequences, whose products of gates vanish."""
    torch.manual_seed(0)
    encoder = MinGRU(8, 16, layers=2)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    offsets = torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()])
    x, state = torch.randn(int(offsets[-1]), 8), torch.randn(len(lengths), encoder.size)
    for each in (True, False):
        with torch.no_grad():
            sequential = encoder.eval()(x, offsets, state, each)
            parallel = encoder.train()(x, offsets, state, each)
        torch.testing.assert_close(parallel, sequential, rtol=1e-5, atol=1e-5)


@given(st.integers(1, 700), st.sampled_from([torch.float32, torch.float64]), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_a_scan_of_stretches_is_the_recurrence(size: int, kind: torch.dtype, seed: int) -> None:
    """Whatever is left over by stretches of stretches; the columns are a part of a wider table."""
    random = torch.Generator().manual_seed(seed)
    table = torch.rand(size, 6, generator=random, dtype=torch.float64)
    table[:, :3] = table[:, :3].round(decimals=1)  # gates that are 0 or 1, too
    offsets = torch.tensor([0, size])
    expected = linear(table[:, :3], table[:, 3:], torch.zeros(1, 3).double(), offsets)
    table = table.to(kind)
    scan_(table[:, :3], table[:, 3:])
    torch.testing.assert_close(table[:, 3:].double(), expected, rtol=1e-5, atol=1e-5)


def test_gradient_of_the_scan_is_that_of_the_recurrence() -> None:
    """The backward pass is written by hand."""
    torch.manual_seed(0)
    offsets = [0, 5, 5, 6, 17]
    inputs = [torch.rand(17, 3).double(), torch.randn(17, 3).double(), torch.randn(4, 3).double()]
    weight = torch.randn(17, 3).double()
    gradients = []
    for run in (all_at_once, linear):
        keep, add, start = (value.clone().requires_grad_() for value in inputs)
        found = run(keep, add, start, torch.tensor(offsets))
        (found * weight).sum().backward()
        gradients.append((keep.grad, add.grad, start.grad))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
