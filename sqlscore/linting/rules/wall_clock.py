"""The wall clock in what should be the same whenever it is computed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.sequences import reads_wall

RULE = "wall-clock"


def wall_clock(model: Model) -> Iterator[Finding]:
    """now(), current_date and the like in figures, in conditions on rows of users, and as as_of."""
    for leak in model.leaks("wall"):
        yield finding(
            RULE, "error", leak.read.origin.node or leak.node,
            "it depends on when the query runs, which is later than any moment in the data: reckon from as_of, or from "
            "the newest event (sqlscore.high_water)",
            leak.column, leak.node,
        )  # fmt: skip
    for call in model.seen.calls:
        read = reads_wall(call.as_of)
        if read is not None:
            yield finding(
                RULE, "error", call.node,
                f"{call.name} is as of the wall clock: leave as_of out for the newest event, or pass a "
                "moment of the data",
            )  # fmt: skip
