"""A process that refreshes for weeks: what one refresh leaves behind, the next ones must not add to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from refresh_growth import ROUNDS

PROGRAM = Path(__file__).parents[1] / "support" / "refresh_growth.py"


@pytest.mark.parametrize("connections", ["one for each", "one"])
@pytest.mark.slow
def test_a_refresh_leaves_nothing_behind(connections: str) -> None:
    """A process of its own counts: pytest and what other tests imported keep objects too, such as records of a log."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), connections], check=True, stdout=subprocess.PIPE, text=True, timeout=600
    )
    growth = json.loads(done.stdout)
    before, after = growth["before"], growth["after"]
    for same in ("in the engine", "arrow bytes", "threads", "open files"):
        assert after[same] == before[same]
    assert after["python objects"] - before["python objects"] < ROUNDS, growth["new types"]  # not one a refresh
    assert after["python blocks"] - before["python blocks"] < ROUNDS * 50  # libraries keep names, fewer and fewer
