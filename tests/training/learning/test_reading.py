"""A step reads less than a scoring pass and computes its gradients otherwise; what it learns is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from all_models import CONFIGS, INPUTS, made
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.dropout import Dropout
from sqlscore.models.encoders.gru import GRU
from sqlscore.models.inputs.row_sums import RowMeans, RowSums
from sqlscore.scoring.batch import Batch, encode_sequences
from sqlscore.training.data.targets import Targets
from sqlscore.training.learning.losses import losses
from sqlscore.training.learning.optimiser import Optimiser
from sqlscore.training.learning.passes import Outputs, run
from sqlscore.training.learning.reading import parted, read

LENGTHS = [3, 1, 90, 20, 7, 300]
LEARNED = [name for name, config in CONFIGS.items() if not ARCHITECTURES[config.architecture].counted]


def batch_and_targets() -> tuple[Batch, Targets]:
    """Sequences, some longer than a window of every model, with a target at every other event, some without a time."""
    batch = encode_sequences(made(LENGTHS, seed=3), INPUTS)
    position = torch.arange(0, len(batch.times), 2)
    action = torch.arange(len(position)) % (len(INPUTS.actions) + 1)
    log_gap = (torch.arange(len(position)) % 11).float()
    log_gap[::5] = float("nan")
    none = torch.zeros(0)
    targets = Targets(
        position, action, log_gap, none.long(), none.double(), none, position.numpy(), np.zeros(0, np.int64)
    )
    return batch, targets


def from_states(model: Any, batch: Batch, targets: Targets) -> Outputs:
    """The heads' outputs from whole states, as scoring computes them."""
    if hasattr(model, "encode_at"):
        states, _ = model.encode_at(batch, targets.position)
    else:
        states = model.encode_each(batch, None, None)[0][targets.position]
    features = model.features(states[:, model.size : model.body])
    u = model.heads.embed(states[:, : model.size], features)
    logits, bins = model.heads.next_logits(u, features), model.heads.time_logits(u, features)
    return Outputs(logits, bins, model.heads.gaps.bin_of(targets.log_gap), torch.zeros(0), states[:, model.body :])


def gradients(model: Any, outputs: Outputs, targets: Targets) -> tuple[float, dict[str, Tensor]]:
    """The loss of a pass, and its gradients."""
    model.zero_grad()
    loss = sum(losses(outputs, targets), start=torch.zeros(()))
    loss.backward()
    return float(loss.detach()), {
        name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None
    }


@pytest.mark.parametrize("name", LEARNED)
def test_batches_that_are_read_together_teach_what_whole_states_teach(name: str) -> None:
    """Summaries, rows of the table and codes are made for several batches at once and parted; no gradient changes."""
    torch.manual_seed(0)
    model: Any = ARCHITECTURES[CONFIGS[name].architecture].build(CONFIGS[name], INPUTS)
    model.embedding.id_dropout = 0.0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.train()
    batch, targets = batch_and_targets()
    loss, wanted = gradients(model, from_states(model, batch, targets), targets)
    total, found = 0.0, {parameter: torch.zeros_like(value) for parameter, value in wanted.items()}
    for part in parted(read(model, batch, targets, churn=False), np.array([2, 1, 3])):
        share, of_part = gradients(model, run(model, part), part.targets)
        total += share
        for parameter, value in of_part.items():
            found[parameter] += value
    assert total == pytest.approx(loss, rel=1e-5)
    for parameter, value in wanted.items():
        assert torch.allclose(found[parameter], value, rtol=1e-3, atol=1e-4 * max(1.0, float(value.abs().max()))), (
            parameter
        )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any), st.integers(0, 99), st.booleans())
def test_the_gradient_by_hand_is_that_of_torch(lengths: list[int], seed: int, each: bool) -> None:
    """PackedGRU beside nn.GRU on a padded copy, from any states, empty sequences among them."""
    torch.manual_seed(seed)
    unit = GRU(5, 7).double().train()
    offsets = torch.tensor([0, *np.cumsum(lengths)])
    x = torch.randn(int(offsets[-1]), 5, dtype=torch.float64, requires_grad=True)
    state = torch.randn(len(lengths), 7, dtype=torch.float64, requires_grad=True)
    inputs = [x, state, *unit.parameters()]
    packed, padded = unit.parallel(x, offsets, state, each), unit._padded(x, offsets, state, each)
    towards = torch.randn_like(packed)
    assert torch.allclose(packed, padded)
    by_hand = torch.autograd.grad(packed, inputs, towards)
    by_torch = torch.autograd.grad(padded, inputs, towards)
    assert all(torch.allclose(own, its) for own, its in zip(by_hand, by_torch, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(0, 99))
def test_gradients_of_sums_and_means_of_rows_are_those_of_torch(sizes: list[int], seed: int) -> None:
    """Rows that occur several times in one sum or bag, and bags without rows."""
    torch.manual_seed(seed)
    table = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    rows, bags = torch.randint(0, 6, (9, 3)), torch.randint(0, 6, (sum(sizes),))
    starts = torch.tensor([0, *np.cumsum(sizes)[:-1]])
    for own, its in (
        (RowSums.apply(table, rows), F.embedding_bag(rows, table, mode="sum")),
        (RowMeans.apply(table, bags, starts), F.embedding_bag(bags, table, starts, mode="mean")),
    ):
        towards = torch.randn_like(its)
        assert torch.allclose(own, its)
        found, wanted = (torch.autograd.grad(of, table, towards)[0] for of in (own, its))
        assert torch.allclose(found, wanted)


def test_the_optimiser_steps_as_torch_does_and_goes_on_from_its_state() -> None:
    """AdamW after clip_grad_norm_, parameter by parameter, also one that the loss does not depend on."""
    torch.manual_seed(0)
    mine, its = (torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1), torch.nn.Linear(2, 2)) for _ in "ab")
    its.load_state_dict(mine.state_dict())
    decayed = [p for p in its.parameters() if p.dim() > 1]
    free = [p for p in its.parameters() if p.dim() < 2]
    reference = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": free, "weight_decay": 0.0}], lr=1e-2
    )
    for parameter in its[2].parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser = Optimiser(mine, 0.1, 1e-2, lambda step: 1.0)
    for step in range(6):
        if step == 3:
            later = Optimiser(mine, 0.1, 1e-2, lambda step: 1.0)
            later.restore(optimiser.state())
            optimiser = later
        x = torch.randn(16, 4)
        optimiser.step((mine[1](mine[0](x)) - 9.0).square().mean())
        reference.zero_grad(set_to_none=False)
        (its[1](its[0](x)) - 9.0).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(its.parameters(), 1.0)
        reference.step()
    for own, other in zip(mine.parameters(), its.parameters(), strict=True):
        assert torch.allclose(own, other, atol=1e-6)


def test_dropout_keeps_the_mean_and_drops_the_share() -> None:
    """Of 300,000 numbers a share of .1 within five standard errors, and nothing in scoring mode."""
    torch.manual_seed(0)
    dropout = Dropout(0.1)
    x = torch.ones(1_000, 300)
    dropped = dropout(x)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.1, abs=0.003)
    assert float(dropped.max()) == pytest.approx(1 / 0.9)
    assert torch.equal(dropout.eval()(x), x)
