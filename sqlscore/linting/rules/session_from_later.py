"""Sessions that are told by events after the row's own."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting import words
from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "session-from-later"


def session_from_later(model: Model) -> Iterator[Finding]:
    """Session numbers and figures that a window computes from later events."""
    for leak in model.leaks("frame"):
        if words.is_session(leak.column):
            yield finding(
                RULE, "error", leak.read.origin.node or leak.node,
                "the session is told by events after the row: count the silences before it (LAG, in "
                "ascending order of time)",
                leak.column, leak.node,
        )  # fmt: skip
