"""The newest row of a user beside rows of the past."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "newest-row"


def newest_row(model: Model) -> Iterator[Finding]:
    """DISTINCT ON, row_number() = 1 and LIMIT 1 from the newest row on, without a bound by the row's moment."""
    for leak in model.leaks("newest"):
        yield finding(
            RULE, "error", leak.read.origin.node or leak.node,
            "it takes the newest row of all, which may be later than the row's moment: keep the rows to those up to it "
            "before one is chosen, or take an ASOF JOIN",
            leak.column, leak.node,
        )  # fmt: skip
    for fed in model.fed("newest"):
        yield finding(RULE, "error", fed.call.node, f"{fed.call.name} is given the newest row's value", fed.column)
