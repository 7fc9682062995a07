"""The shift of times makes the median one, and a log of visits and absences is told as such."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sqlscore
from sqlscore.models.time_bins import BINS, TimeBins
from sqlscore.training.learning.time_calibration import shift

AGAIN = 0.8
"""The share of actions of the planted log that another one follows after half a minute; others come days later."""


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 100), st.floats(-1, 1))
def test_the_shift_is_found_that_was_planted(seed: int, planted: float) -> None:
    """Times that are drawn from a shifted distribution: half of them are below its median afterwards."""
    generator = torch.Generator().manual_seed(seed)
    of = TimeBins()
    of.shift.fill_(planted)
    logits = 0.5 * torch.randn(1, BINS, generator=generator).expand(5_000, -1)
    drawn = of.quantiles(logits, torch.rand(5_000, 1, generator=generator))[:, 0]
    at = of.bin_of(drawn)[:, None]
    below = torch.softmax(logits, 1).cumsum(1).double()
    high = below.gather(1, at)[:, 0].numpy()
    low = torch.cat([torch.zeros(5_000, 1).double(), below], 1).gather(1, at)[:, 0].numpy()
    of.shift.fill_(shift(low, high))
    early = float((drawn <= of.median(logits)).float().mean())
    assert early == pytest.approx(0.5, abs=0.04)


def test_without_times_nothing_is_shifted() -> None:
    assert shift(np.zeros(0), np.zeros(0)) == pytest.approx(0.0, abs=1e-4)
    assert abs(shift(np.full(5, 0.9), np.full(5, 0.95))) < 0.2  # five targets are no evidence


@pytest.fixture(scope="module")
def visits() -> Iterator[duckdb.DuckDBPyConnection]:
    """A trained model of 300 users, a new one every day, whose gaps are half a minute or some days."""
    random = np.random.default_rng(0)
    size = 300 * 25
    gaps = np.where(random.random(size) < AGAIN, random.normal(30, 5, size), random.lognormal(12.5, 0.5, size))
    con = sqlscore.connect()
    con.execute(
        """CREATE TABLE log AS SELECT i // 25 AS user_id, ['a', 'b', 'c'][1 + i * 7919 % 3] AS event_type,
                  TIMESTAMP '2023-01-01' + to_days(i // 25) + to_seconds(sum(gap) OVER own) AS event_time
           FROM (SELECT unnest(range(?)) AS i, unnest(?) AS gap)
           WINDOW own AS (PARTITION BY i // 25 ORDER BY i)""",
        [size, gaps.tolist()],
    )
    sqlscore.map_events(con, "log")
    sqlscore.train(con, max_epochs=4, seed=0)
    yield con
    con.close()


def test_half_of_what_comes_is_before_the_median(visits: duckdb.DuckDBPyConnection) -> None:
    """And a tenth before p10, nine tenths before p90, on the part that no training saw."""
    found = sqlscore.evaluate(visits)["time_to_next"]
    assert found["n"] > 300
    for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        assert found[f"coverage_{name}"] == pytest.approx(share, abs=0.06)
    assert set(found["baselines"]) == {"median", "action_median", "action_hour_median"}


def test_the_next_visit_has_the_planted_share_and_times(visits: duckdb.DuckDBPyConnection) -> None:
    """Half a minute if it goes on, days if not: no single number could say that."""
    same, soon, late, within = visits.execute(
        """SELECT avg(v.same_visit), median(v.seconds_if_same), median(v.seconds_if_later), avg(p)
           FROM (SELECT predict_next_visit(e) AS v, next_action_within(e, 3600) AS p FROM log e GROUP BY user_id)"""
    ).fetchall()[0]
    assert same == pytest.approx(AGAIN, abs=0.05)
    assert within == pytest.approx(AGAIN, abs=0.05)
    assert soon == pytest.approx(30, rel=0.15)
    assert late == pytest.approx(np.exp(12.5), rel=0.3)
