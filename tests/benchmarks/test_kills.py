"""A small share of benchmarks/kills.py: SIGKILL at seeded moments of the commands that write most."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.slow
def test_a_file_is_whole_after_a_kill_and_the_next_run_is_as_if_there_had_been_none() -> None:
    arguments = ("--kills", "6", "--verbs", "refresh,publish_duckdb", "--seed", "23")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", KILLS, *arguments], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
    assert "6 kills" in done.stdout
