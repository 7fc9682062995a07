"""ASOF joins that take the next row instead of the last one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "asof-direction"


def asof_direction(model: Model) -> Iterator[Finding]:
    """ASOF joins whose row may be later than the row that asks."""
    for leak in model.leaks("asof"):
        yield finding(
            RULE, "error", leak.read.origin.node or leak.node,
            f'the ASOF join takes a row of "{leak.read.origin.what}" that is later than the row\'s moment: compare the '
            "row's time >= the other's",
            leak.column, leak.node,
        )  # fmt: skip
