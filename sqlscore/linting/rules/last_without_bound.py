"""The last value of all, where the last one up to a moment is meant."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "last-without-bound"


def last_without_bound(model: Model) -> Iterator[Finding]:
    """last, any_value, arg_max and the like over rows that no moment bounds."""
    for leak in model.leaks("last"):
        yield finding(
            RULE, "error", leak.read.origin.node or leak.node,
            "it takes a value from rows of any time, so often one from after the row's moment: keep the "
            "rows to those up "
            "to it, in FILTER or WHERE",
            leak.column, leak.node,
        )  # fmt: skip
    for fed in model.fed("last"):
        yield finding(
            RULE, "error", fed.call.node, f"{fed.call.name} is given a last value from events of any time", fed.column
        )
