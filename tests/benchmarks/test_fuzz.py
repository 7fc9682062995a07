"""A small share of benchmarks/fuzz.py: readers of bytes and texts of others, on changed inputs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fuzz_mutation import bytes_like, value_like
from fuzz_targets import TARGETS
from hypothesis import given
from hypothesis import strategies as st

FUZZ = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
QUICK = "packed,mapping,manifest,weights,lengths,moments,options,requests,states"


def test_changed_inputs_are_taken_or_refused_in_a_sentence() -> None:
    """The same inputs each time; readers that take longer are in the documented run alone."""
    arguments = ("--inputs", "3000", "--seed", "23", "--only", QUICK)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", FUZZ, *arguments], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
    assert set(QUICK.split(",")) <= set(TARGETS)


@given(st.randoms(use_true_random=False))
def test_what_is_changed_is_seldom_what_it_was(random) -> None:
    """A mutator that changed nothing would find nothing."""
    seed = b'{"name": "events", "n": 12, "list": [1, 2, 3]}'
    assert any(bytes_like(random, [seed]) != seed for _ in range(9))
    value = {"name": "events", "n": 12, "list": [1, 2, 3]}
    assert any(value_like(random, value) != value for _ in range(9))
    assert value == {"name": "events", "n": 12, "list": [1, 2, 3]}
