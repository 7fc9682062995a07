"""The benchmark of scores over HTTP in a short form: both sides answer, and agree."""

from __future__ import annotations

import live
import pytest


@pytest.mark.slow
def test_both_sides_answer_the_same_clients() -> None:
    """`measure` compares their risks itself; how fast they are depends on the machine, and is no test."""
    pytest.importorskip("fastapi")
    found = live.measure([3], seconds=0.3, repeats=1)
    assert list(found) == [3]
    assert set(found[3]) == {live.OURS, live.POOL, live.LOOP}
    assert all(0 < load.p50 <= load.p99 for load in found[3].values())
