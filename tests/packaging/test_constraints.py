"""What a release was tried with is a version of each dependency that pyproject.toml allows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RELEASED = sorted(
    {
        *PROJECT["dependencies"],
        *(each for name in EXTRAS.keys() - {"docs", "pgserver", "test"} for each in EXTRAS[name]),
    }
)


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!]+)", line) for line in lines if not line.startswith("#")]
    assert all(pairs)
    return {canonicalize_name(pair[1]): pair[2] for pair in pairs if pair}


@pytest.mark.parametrize("text", RELEASED)
def test_each_dependency_is_pinned_within_its_range(text: str) -> None:
    asked = Requirement(text)
    assert pinned().get(canonicalize_name(asked.name), "none") in asked.specifier
