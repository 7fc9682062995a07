"""What a head reads of a state, as of a moment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from small_shop import gru_artifact

from sqlscore.events.sequences import Sequences, stretches
from sqlscore.finetuning.examples import summaries
from sqlscore.models.loading import load
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_features import label_features, plain_columns
from sqlscore.scoring.label_head import Head
from sqlscore.scoring.manifest import sha256_of

DAY = 86_400_000_000
START = 1_704_067_200_000_000


@pytest.fixture(scope="module")
def base() -> Artifact:
    """A GRU of random weights, whose states have running summaries."""
    data = gru_artifact(0)
    return load(data, sha256_of(data), "m@1")


def shop(users: int, each: int) -> Sequences:
    """So many users with so many events each, hours to days apart."""
    random = np.random.default_rng(each)
    times = START + np.cumsum(random.integers(DAY // 24, 2 * DAY, (users, each)), axis=1).reshape(-1)
    actions = pa.array([("view", "cart", "buy")[i] for i in random.integers(0, 3, users * each)])
    price = pa.array(random.normal(size=users * each))
    return Sequences(actions, times, np.arange(users + 1) * each, {"price": price})


def part(events: Sequences, first: int, last: int) -> Sequences:
    """Of each user the events from one place to another."""
    starts = events.offsets[:-1]
    rows, offsets = stretches(starts + first, np.full(len(starts), last - first))
    features = {name: column.take(pa.array(rows)) for name, column in events.features.items()}
    return Sequences(events.actions.take(pa.array(rows)), events.times[rows], offsets, features)


def test_columns_are_those_of_the_whole_history_however_it_was_read(base: Artifact) -> None:
    events = shop(20, 12)
    as_of = events.times[events.offsets[1:] - 1] + DAY
    whole = base.encode(events)
    first = base.encode(part(events, 0, 7))
    advanced = base.encode(part(events, 7, 12), first)
    np.testing.assert_allclose(
        label_features(base, whole, as_of), label_features(base, advanced, as_of), rtol=1e-4, atol=1e-4
    )


def test_what_was_recent_fades_until_the_moment(base: Artifact) -> None:
    """Columns that move with the moment are plain, and what an encoder made does not move."""
    events = shop(20, 12)
    states, last = base.encode(events), events.times[events.offsets[1:] - 1]
    soon, late = label_features(base, states, last + DAY), label_features(base, states, last + 30 * DAY)
    plain = plain_columns(base)
    others = np.setdiff1d(np.arange(soon.shape[1]), plain)
    assert 0 < len(plain) < soon.shape[1]
    np.testing.assert_array_equal(soon[:, others], late[:, others])
    decays = 2 * len(base.manifest.config["decay_seconds"])
    assert set(range(soon.shape[1] - decays, soon.shape[1])) <= set(plain.tolist())
    slow = base.manifest.config["decay_seconds"][-1]
    counted = np.exp(soon[:, -1].astype(np.float64)) - 1e-3
    np.testing.assert_allclose(np.exp(late[:, -1]) - 1e-3, counted * np.exp(-29 * 86_400 / slow), rtol=1e-2)


def test_a_head_from_before_a_kind_of_column_reads_those_that_it_knows(base: Artifact) -> None:
    events = shop(20, 12)
    features = label_features(base, base.encode(events), events.times[events.offsets[1:] - 1])
    known = features.shape[1] - 10
    head = Head(
        "yes_no", ("false", "true"), np.zeros(known), np.ones(known), np.ones((known, 1)), np.zeros(1),
        np.array([1.0, 0.0]), np.zeros(0), np.zeros(4), np.zeros(0),
    )  # fmt: skip
    assert head.wrong() is None
    np.testing.assert_array_equal(head.probabilities(features), head.probabilities(features[:, :known]))


def test_columns_and_summaries_are_finite_of_one_event_and_of_many(base: Artifact) -> None:
    for each in (1, 300):
        events = shop(3, each)
        as_of = events.times[events.offsets[1:] - 1]
        assert np.isfinite(label_features(base, base.encode(events), as_of)).all()
        assert np.isfinite(summaries(base, events, as_of)).all()
