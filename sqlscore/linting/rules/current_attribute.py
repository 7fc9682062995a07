"""Attributes as they are today beside rows of the past."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting import words
from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "current-attribute"


def current_attribute(model: Model) -> Iterator[Finding]:
    """Columns of tables that say how things are now, or that hold from a time on, without that time being compared."""
    for leak in model.leaks("current"):
        changing = words.is_changing(leak.column) or leak.read.var.kind == "row"
        yield finding(
            RULE, "error" if changing else "warning", leak.read.origin.node or leak.node,
            f'"{leak.read.origin.what}" says how it is now, not how it was at the row\'s moment: take the '
            'row that held '
            "then (ASOF JOIN on the time from which it holds)",
            leak.column, leak.node,
        )  # fmt: skip
    for fed in model.fed("current"):
        yield finding(
            RULE, "error", fed.call.node,
            f'{fed.call.name} is given an attribute as it is now: take the row of "{fed.read.origin.what}" '
            'that held then',
            fed.column,
        )  # fmt: skip
