"""Counts say what counting says, however they are stored and however far a history was carried on."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from all_models import some_counts
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlscore.events.sequences import offsets_of
from sqlscore.models.back_off import ORDER, BackOff
from sqlscore.models.ragged.newest import newest_codes
from sqlscore.scoring.tables import longest_order
from sqlscore.training.data.encoding import Encoded
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.counting import count_beside, fill
from sqlscore.training.learning.following import Counting, fading

HISTORIES = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=8), min_size=1, max_size=6)
KNOWN = 3  # code 4 is unknown


def counted(histories: list[list[int]], counting: Counting) -> tuple[BackOff, Encoded]:
    actions = np.concatenate(histories).astype(np.int32)
    offsets = offsets_of(np.array([len(history) for history in histories]))
    target = np.append(actions[1:], 0).astype(np.int32)
    target[offsets[1:] - 1] = 0
    times = np.arange(len(actions))
    data = Encoded(
        actions[:, None], np.zeros((len(actions), 0), np.float32), times, offsets, KNOWN, ["new"], target, times + 1,
        np.zeros(len(actions), np.float32),
    )  # fmt: skip
    back_off = BackOff(KNOWN, counting.order)
    fill(back_off, data, Windows(offsets[:-1], offsets[1:], target > 0, None), counting)
    return back_off, data


def by_hand(data: Encoded, counting: Counting, recent: list[int]) -> list[float]:
    """The formula, literally, over all targets; recent: newest first."""
    at = np.flatnonzero((data.target > 0) & (data.target <= KNOWN))
    weights = fading(data.target_time[at], counting.fade)
    first = np.repeat(data.offsets[:-1], np.diff(data.offsets))
    totals = Counter(dict.fromkeys(range(1, KNOWN + 1), 1.0))
    for i, weight in zip(at, weights, strict=True):
        totals[int(data.target[i])] += weight
    p = {action: totals[action] / sum(totals.values()) for action in range(1, KNOWN + 1)}
    same = sum(weight for i, weight in zip(at, weights, strict=True) if data.categories[i, 0] == data.target[i])
    rate, last_action = (same + 1) / (weights.sum() + 2), recent[0]
    if counting.again and 1 <= last_action <= KNOWN and rate > p[last_action]:
        repeats = counting.prior * (rate - p[last_action]) / (1 - rate)
    else:
        repeats = 0.0
    for order in range(1, counting.order + 1):
        after: Counter[int] = Counter()
        for i, weight in zip(at, weights, strict=True):
            last = [int(data.categories[i - back, 0]) if i - back >= first[i] else 0 for back in range(order)]
            if last == recent[:order]:
                after[int(data.target[i])] += weight
        if order == 1:
            after[last_action] += repeats
        total = sum(after.values())
        p = {action: (after[action] + counting.prior * p[action]) / (total + counting.prior) for action in p}
    return [p[action] for action in range(1, KNOWN + 1)]


@settings(max_examples=60)
@given(
    histories=HISTORIES,
    recent=st.lists(st.integers(0, KNOWN + 1), min_size=3, max_size=3),
    order=st.integers(1, 3),
    prior=st.sampled_from([0.5, 2.0, 10.0]),
    fade=st.sampled_from([0.0, 4.0]),
    again=st.booleans(),
)
def test_probabilities_are_the_formula_summed_or_stored(
    histories: list[list[int]], recent: list[int], order: int, prior: float, fade: float, again: bool
) -> None:
    counting = Counting(order, prior, fade, again=again)
    back_off, data = counted(histories, counting)
    codes = torch.tensor([recent], dtype=torch.float32)
    summed = back_off(codes)
    torch.testing.assert_close(summed[0], torch.tensor(by_hand(data, counting, recent), dtype=torch.float32))
    back_off.freeze()
    assert len(back_off.frozen) == 1 + len(back_off.context)
    torch.testing.assert_close(back_off(codes), summed)
    assert float(summed.sum()) == pytest.approx(1.0, abs=1e-5)


@given(histories=HISTORIES, cut=st.integers(0, 8))
def test_the_last_actions_are_the_same_however_a_history_is_cut(histories: list[list[int]], cut: int) -> None:
    """After all events at once, after a part and then the rest, and after every event."""
    whole = torch.tensor(np.concatenate(histories))
    lengths = np.array([len(history) for history in histories])
    none = torch.zeros(len(histories), 5)
    offsets = torch.from_numpy(offsets_of(lengths))
    at_once = newest_codes(whole, offsets, none, False)
    assert at_once.tolist() == [(history[::-1] + [0] * 5)[:5] for history in histories]
    torch.testing.assert_close(newest_codes(whole, offsets, none, True)[offsets[1:] - 1], at_once)
    first = [history[:cut] for history in histories]
    rest = [history[cut:] for history in histories]
    held = none.clone()
    for pieces in (first, rest):
        filled = torch.tensor([bool(piece) for piece in pieces])
        own = torch.from_numpy(offsets_of(np.array([len(piece) for piece in pieces])))
        codes = torch.tensor([code for piece in pieces for code in piece], dtype=torch.int64)
        held[filled] = newest_codes(codes, own, held, False)
    torch.testing.assert_close(held, at_once)


def test_a_large_vocabulary_is_summed_from_its_counts_and_says_the_same() -> None:
    """What cannot be stored is not stored, and contexts never overflow an int64."""
    wide = BackOff(60_000, longest_order(60_000, 5))
    assert wide.order == 2
    some_counts(wide)
    wide.freeze()
    assert len(wide.frozen) == 0
    found = wide(torch.tensor([[60_001.0, 7.0], [0.0, 0.0]]))
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found.sum(1), torch.ones(2), atol=1e-3, rtol=0)


def test_an_order_that_was_chosen_for_fewer_actions_is_cut_to_what_fits() -> None:
    """The last stage may know more actions, whose codes leave room for fewer of them in a context."""
    model = SimpleNamespace(counts=BackOff(1_400, longest_order(1_400, ORDER)))
    kept = model.counts.order
    assert kept < longest_order(1_200, ORDER) == ORDER
    some = np.arange(1, 11, dtype=np.int32)
    data = Encoded(
        some[:, None], np.zeros((10, 0), np.float32), np.arange(10), np.array([0, 10]), 1_400, [],
        np.append(some[1:], 0).astype(np.int32), np.arange(10) + 1, np.zeros(10, np.float32),
    )  # fmt: skip
    part = Windows(np.array([0]), np.array([10]), data.target > 0, None)
    count_beside(model, data, part, Counting(ORDER, weight=0.5))
    assert model.counts.order == kept
    assert float(model.counts(torch.ones(1, kept)).sum()) == pytest.approx(1.0, abs=1e-3)


def test_a_mixture_is_the_weighted_mean_of_both() -> None:
    """And with the network's weight at 1, its logits as they are."""
    back_off = BackOff(KNOWN, 2)
    logits = torch.tensor([[0.5, -1.0, 2.0]])
    assert back_off.mixed(logits, torch.zeros(1, 2)) is logits
    some_counts(back_off)
    back_off.network_weight = 0.25
    recent = torch.tensor([[2.0, 1.0]])
    expected = 0.25 * logits.softmax(1) + 0.75 * back_off(recent)
    torch.testing.assert_close(back_off.mixed(logits, recent).softmax(1), expected)
