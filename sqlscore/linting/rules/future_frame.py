"""Windows that read rows after their own."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting import words
from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "future-frame"


def future_frame(model: Model) -> Iterator[Finding]:
    """Frames that reach forward, LEAD, and an order from the newest backward."""
    for leak in model.leaks("frame"):
        if words.is_session(leak.column):
            continue  # see session_from_later
        yield finding(
            RULE, "error", leak.read.origin.node or leak.node,
            "the window reads rows after its own: end the frame at CURRENT ROW in ascending order of "
            "time, or take LAG; "
            "what is meant as a label should be named as one (label, next_...)",
            leak.column, leak.node,
        )  # fmt: skip
    for fed in model.fed("frame"):
        yield finding(
            RULE, "error", fed.read.origin.node or fed.call.node,
            f"{fed.call.name} is given what a window read after the row: end the frame at CURRENT ROW",
            fed.column,
        )  # fmt: skip
    for fed in model.fed("whole"):
        if not fed.column:
            yield finding(
                RULE, "error", fed.read.origin.node or fed.call.node,
                f"{fed.call.name} is given all rows of the partition, those after the row too: add ORDER BY its time",
            )  # fmt: skip
