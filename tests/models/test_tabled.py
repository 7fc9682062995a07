"""What scoring computes from tables is what the equations say of every event."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from all_models import CONFIGS, INPUTS, assert_near, made
from torch.nn.utils.rnn import PackedSequence

from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.encoders.gru import GRU
from sqlscore.models.encoders.lstm import LSTM
from sqlscore.models.ragged.arithmetic import packing_of
from sqlscore.models.wholes.sequence_model import SequenceModel
from sqlscore.models.wholes.tabled import TabledModel
from sqlscore.scoring.batch import encode_sequences

pytestmark = pytest.mark.usefixtures("one_thread")
TABLED = ("gat_mingru", "gru", "lstm", "mingru")


def test_every_recurrent_architecture_scores_from_tables() -> None:
    models = {name: ARCHITECTURES[name].build(config, INPUTS) for name, config in CONFIGS.items() if "/" not in name}
    assert tuple(sorted(name for name, model in models.items() if isinstance(model, TabledModel))) == TABLED


@pytest.mark.parametrize("name", TABLED)
@pytest.mark.parametrize("each", [True, False])
def test_sums_of_mapped_rows_are_the_maps_of_events(name: str, each: bool) -> None:
    """Unseen actions, categories and numbers included; the other way makes every event's vector and maps that."""
    torch.manual_seed(0)
    model: Any = ARCHITECTURES[name].build(CONFIGS[name], INPUTS).eval()
    batch = encode_sequences(made([7, 0, 1, 60, 2], seed=8), INPUTS)
    assert len(batch.novel_offsets) > 1
    state = torch.randn(5, model.size) * 0.3
    gaps, known = torch.rand(70).double() * 1e6, torch.rand(70) < 0.9
    arguments = (batch, model.embedding.standardise(batch.numbers), gaps, known, state, each)
    with torch.inference_mode():
        expected = SequenceModel._hidden(model, *arguments)
        fresh = model._hidden(*arguments)
        model.embedding.freeze()
        model.freeze()
        frozen = model._hidden(*arguments)
    assert_near(fresh, expected, 2e-6)
    assert_near(frozen, expected, 2e-6)


@pytest.mark.parametrize("lengths", [[1], [0, 3, 0], [100, 1, 0, 16, 15, 17], [16, 16, 1, 700]])
@pytest.mark.parametrize("each", [True, False])
def test_a_scan_by_blocks_gives_what_steps_give(lengths: list[int], each: bool) -> None:
    """Blocks end within sequences, at their ends and at their beginnings; states are those of new or known users."""
    torch.manual_seed(0)
    model: Any = ARCHITECTURES["mingru"].build(CONFIGS["mingru"], INPUTS).eval()
    batch = encode_sequences(made(lengths, seed=3), INPUTS)
    size = sum(lengths)
    read = (model.embedding.standardise(batch.numbers), torch.rand(size).double() * 1e6, torch.rand(size) < 0.9)
    for state in (torch.randn(len(lengths), model.size), torch.zeros(1, model.size).expand(len(lengths), -1)):
        found = []
        for block, shared in ((4_096, 0), (16, 1_000), (37, 1_000), (4_096, 1_000)):  # shared by none: steps
            model.block, model.shared = block, shared
            with torch.inference_mode():
                found.append(model._hidden(batch, *read, state, each))
        for scanned in found[1:]:
            assert_near(scanned, found[0], 2e-6)


@pytest.mark.parametrize("unit", [GRU, LSTM])
def test_steps_in_place_are_those_of_the_library(unit: type[Any]) -> None:
    """The library's units hold the weights, and run in training."""
    torch.manual_seed(0)
    encoder = unit(8, 16).eval()
    offsets = torch.tensor([0, 5, 5, 6, 23])
    x, state = torch.randn(23, 8), torch.randn(4, encoder.size)
    order, batch_sizes, where = packing_of(offsets)
    packed = PackedSequence(torch.empty_like(x).index_copy(0, where, x), batch_sizes, None, None)
    with torch.inference_mode():
        start = tuple(part.contiguous() for part in state[order].unsqueeze(0).split(16, 2))
        library = encoder.gru(packed, start[0]) if unit is GRU else encoder.lstm(packed, start)
        found = encoder(x, offsets, state, True)[:, :16]
    assert_near(found, library[0].data[where], 1e-6)
