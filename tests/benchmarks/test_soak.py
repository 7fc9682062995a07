"""The soak test of benchmarks/, in a short form: readers, a training, a killed server and a lost PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.slow
def test_a_server_survives_kills_and_a_lost_database():
    """No reader sees a half-written table, and nothing fails but what was broken on purpose.

    Memory is judged by longer runs alone; what refreshes leave behind is counted in
    tests/score_tables/test_growth.py.
    """
    done = subprocess.run([sys.executable, SOAK, "--minutes", "0.5"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
