"""Tables of who came back: they fold as states do, stay probabilities, and rank by what they were counted on."""

from __future__ import annotations

import numpy as np
from all_models import INPUTS, made
from hypothesis import given
from hypothesis import strategies as st

from sqlscore.scoring.counts import Counts
from sqlscore.scoring.encoding import encode_columns
from sqlscore.scoring.recency import Recency
from sqlscore.scoring.tables import Tables, longest_order
from sqlscore.scoring.weights import read_weights, write_weights
from sqlscore.training.counted.recency import Standing, calibrated, count_recency

ACTIONS = 5


def examples(n: int, seed: int) -> tuple[Standing, np.ndarray]:
    """Users whose silence is long against their pace leave, but for every tenth."""
    random = np.random.default_rng(seed)
    events = random.integers(1, 6, n).astype(np.float32)
    span = np.where(events > 1, random.exponential(86_400, n), 0).astype(np.float32)
    elapsed = random.exponential(86_400, n)
    gone = (elapsed > span / np.maximum(events - 1, 1)) ^ (random.random(n) < 0.1)
    return Standing(events, span, random.integers(0, ACTIONS, n).astype(np.float32), elapsed), gone


@given(st.integers(1, 400), st.integers(0, 50), st.floats(0.05, 3), st.floats(-2, 2))
def test_risks_are_probabilities_however_few_examples(n: int, seed: int, a: float, b: float) -> None:
    """Also of users who are like none that was counted."""
    standing, gone = examples(n, seed)
    tables = calibrated(count_recency(standing, gone, ACTIONS), np.array([a, b]))
    others, _ = examples(200, seed + 1)
    for asked in (standing, others):
        risk = asked.risk(tables)
        assert risk.shape == asked.elapsed.shape
        assert ((risk > 0) & (risk < 1)).all()


def test_silence_against_the_own_pace_ranks() -> None:
    """On users who were not counted: nine of ten that the tables call gone are."""
    tables = count_recency(*examples(8_000, 0), ACTIONS)
    others, gone = examples(8_000, 1)
    assert ((others.risk(tables) > 0.5) == gone).mean() > 0.75


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 8))
def test_states_fold_and_agree_after_every_event(lengths: list[int], seed: int) -> None:
    """The span and the tally of a state continue; the last state of every event's is that of the whole."""
    counts, sequences = with_tables(), made(lengths, seed=seed)
    columns = encode_columns(sequences, INPUTS)
    whole, clock = counts.encode(columns, None, None)
    first = counts.encode(encode_columns(made([0] * len(lengths), seed=seed), INPUTS), None, None)
    folded = counts.encode(columns, *first)
    np.testing.assert_array_equal(folded[0], whole)
    each, each_clock = counts.encode_each(columns)
    filled = np.flatnonzero(np.diff(columns.offsets))
    np.testing.assert_array_equal(each[columns.offsets[1:][filled] - 1], whole[filled])
    np.testing.assert_array_equal(each_clock[columns.offsets[1:][filled] - 1], clock[filled])
    again = Counts.of_weights(
        read_weights(write_weights(counts.to_weights())), len(INPUTS.actions), len(INPUTS.actions)
    )
    elapsed = np.full(len(lengths), 3_600.0)
    np.testing.assert_array_equal(again.churn(whole, elapsed), counts.churn(whole, elapsed))


def with_tables() -> Counts:
    known, none = len(INPUTS.actions), np.zeros(0, np.int64)
    order = longest_order(known, 3)
    tables = Tables(
        order, 2.0, 0.0, (0,) * (order + 1), none, np.zeros(1, np.int64), np.zeros(0, np.float32), none,
        np.zeros(0, np.float32), np.full(known, 1 / known, np.float32),
    )  # fmt: skip
    standing, gone = examples(300, 3)
    recency: Recency = count_recency(standing, gone, known + 2)
    return Counts.of_tables(tables, known, np.zeros((known + 2, 3), np.float32), recency)
