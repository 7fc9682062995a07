"""Scores without the moment as of which they are, or as of one that is too late."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "as-of"


def as_of(model: Model) -> Iterator[Finding]:
    """OVER without as_of, events later than as_of, and an as_of later than the row's moment or the label's begin."""
    for call in model.seen.calls:
        if call.over and call.takes_as_of and call.as_of is None:
            yield finding(
                RULE, "error", call.node,
                f"{call.name} over a window is as of the newest event of all unless it is told the row's moment: pass "
                "as_of := the row's time",
            )  # fmt: skip
    for fed in model.fed("as_of"):
        yield finding(
            RULE, "error", fed.call.node,
            f"{fed.call.name} is given events that may be later than its as_of: keep the events to it "
            "(WHERE event_time <= as_of)",
        )  # fmt: skip
    missing = {id(call.node) for call in model.seen.calls if call.over and call.as_of is None}
    for leak in model.leaks("score"):
        if (
            id(leak.read.origin.node) in missing
            or (leak.read.var.kind == "row" and leak.beside)
            or (leak.read.var.kind == "newest" and leak.beside)
        ):
            continue
        yield finding(
            RULE, "error", leak.node,
            "the score is as of a later moment than its row: take the score as of the row's moment",
            leak.column,
        )  # fmt: skip
