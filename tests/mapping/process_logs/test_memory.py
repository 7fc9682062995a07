"""A log is read in memory that does not grow with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sqlscore.simulation.claims import simulate_claims
from sqlscore.simulation.xes_file import write_xes

READ = """
import resource, sys
from pathlib import Path
import sqlscore
from sqlscore.mapping.process_logs.xes_table import make_xes_table
with sqlscore.connect(sys.argv[2]) as con:
    con.execute("SET memory_limit = '100MB'")
    make_xes_table(con, Path(sys.argv[1]), "log")
    print(con.execute("SELECT count(*) FROM log").fetchone()[0])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_log_of_ten_times_the_size_needs_hardly_more_memory(tmp_path: Path) -> None:
    """A tree of the larger log, or its events as Python objects, would take several hundred megabytes more."""
    claims = simulate_claims(200)
    found = []
    for copies in (7, 70):
        log = tmp_path / f"{copies}.xes"
        write_xes(claims, log, copies)
        command = [sys.executable, "-c", READ, str(log), str(tmp_path / f"{copies}.duckdb")]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.append([int(word) for word in printed.split()])
    (few, small), (many, large) = found
    assert many == 10 * few
    assert log.stat().st_size > 30e6
    assert large - small < 80, found
