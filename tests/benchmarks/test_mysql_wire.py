"""The soak of MySQL's clients in benchmarks/, in a short form: right answers beside kills and time limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WIRE = Path(__file__).parents[2] / "benchmarks" / "mysql_wire.py"


@pytest.mark.slow
def test_eight_clients_get_right_answers_while_others_are_killed():
    """Over the wire as in this process. Memory is judged by longer runs alone."""
    command = [sys.executable, str(WIRE), "--repeats", "1", "--minutes", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
