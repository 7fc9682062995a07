"""No query of sqlscore leaves to the engine what it takes among equals, or whether NULL equals NULL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sqlscore

SOURCES = [path for kind in ("*.py", "*.sql") for path in Path(sqlscore.__file__).parent.rglob(kind)]
KINDS = {
    # DuckDB plans it as an arg_max over a hash table: a tie goes by the number of threads
    "a mode without an order": re.compile(r"\bmode\((?!axis)(?:(?!ORDER BY)[^()])+\)"),
    # pairs are STRUCTs in DuckDB, in which NULL equals NULL
    "a comparison of pairs": re.compile(r"\((?:\w+\.)\w+, (?:\w+\.)\w+[^()]*\) (?:=|<>|IN|NOT IN) \("),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_query_has(kind: str):
    found = [
        f"{path.name}: {match.group()}"
        for path in SOURCES
        for match in KINDS[kind].finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_what_is_looked_for_is_found():
    wrong = "SELECT mode(action) FROM l JOIN r ON (l.src, l.id) = (r.src, r.id)"
    right = "SELECT mode(action ORDER BY action) FROM l JOIN r ON l.src = r.src AND l.id = r.id"
    assert all(kind.search(wrong) and not kind.search(right) for kind in KINDS.values())
