"""Means, ranks and the like over all rows, beside rows of a moment."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "whole-table"


def whole_table(model: Model) -> Iterator[Finding]:
    """Aggregates, ranks, NTILE and encodings over rows of all times in a row of one moment."""
    for leak in model.leaks("whole"):
        yield finding(
            RULE, "error", leak.read.origin.node or leak.node,
            "it is computed over rows of all times, those after the row's moment too: compute it over the rows up to "
            "that moment (ORDER BY the time in the window, or a bound in the subquery)",
            leak.column, leak.node,
        )  # fmt: skip
    for fed in model.fed("whole", "group", "subquery"):
        if fed.column:
            yield finding(
                RULE, "error", fed.read.origin.node or fed.call.node,
                f"{fed.call.name} is given events with a figure that is computed over events of all times: compute it "
                "over the events up to each",
                fed.column,
            )  # fmt: skip
