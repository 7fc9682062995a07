"""Sums over rows that a join has multiplied."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "multiplied-rows"


def multiplied_rows(model: Model) -> Iterator[Finding]:
    """sum, count and avg of rows each of which a join by user alone repeats for every row of another table."""
    for one in model.seen.multiplied:
        yield finding(
            RULE, "warning", one.node,
            f'each row counts once for every matching row of "{one.what}": aggregate before the join, or '
            'count DISTINCT',
        )  # fmt: skip
