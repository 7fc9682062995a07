"""Nothing got slower: ratios against the stored baseline, never seconds."""

from __future__ import annotations

import json

import gate
import pytest
import scaling


@pytest.mark.slow
def test_no_ratio_is_far_above_the_baseline() -> None:
    """The margin is generous: what fails here is a change of the code, not of the machine."""
    assert gate.regressions(gate.measure(), json.loads(gate.BASELINE.read_text())) == []


def test_the_gate_notices_what_is_slower_missing_or_new() -> None:
    baseline = {"a / b": 1.0, "c / d": 0.1}
    assert gate.regressions({"a / b": 1.5, "c / d": 0.02}, baseline) == []
    assert gate.regressions({"a / b": 1.7, "c / d": 0.1}, baseline) == [
        "a / b is 1.700, the baseline 1.000: 1.6 times is allowed"
    ]
    assert len(gate.regressions({"a / b": 1.0, "new": 1.0}, baseline)) == 2


def test_scaling_compares_sizes_that_are_ten_times_each_other() -> None:
    found = {
        size: {"seconds": seconds, "cpu": seconds + 1, "peak_mb": 100 + seconds}
        for size, seconds in ((1, 1.0), (5, 4.0), (10, 12.0))
    }
    assert scaling.ratios(found) == [
        "time(10) / time(1)   12.0, of processors 6.5",
        "peak(5) / peak(1)   1.03",
        "peak(10) / peak(1)   1.11",
    ]
