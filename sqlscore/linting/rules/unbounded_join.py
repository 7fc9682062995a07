"""Rows with a time that are joined by who they are of, without a bound on when they are."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.verdicts import Leak

RULE = "unbounded-join"
_KINDS = ("join", "scan", "subquery", "group")


def unbounded_join(model: Model) -> Iterator[Finding]:
    """Joins, subqueries and groups of a user that reach past the row's moment, or are not bounded at all."""
    for leak in model.leaks(*_KINDS):
        if leak.reach is not None and leak.beside and leak.column:
            continue  # see overlapping_windows
        yield finding(RULE, "error", leak.read.origin.node or leak.node, _message(leak), leak.column, leak.node)
    for output in model.outputs:
        for label in output.early:
            if label.before is None:
                yield finding(
                    RULE, "error", label.node,
                    f'the rows are not bound to the moment of the label from "{label.read.origin.what}": a '
                    'label belongs '
                    "to features up to its own moment; add the bound to ON (event_time <= as_of)",
                    label.column,
                )  # fmt: skip


def _message(leak: Leak) -> str:
    table = leak.read.origin.what or "the joined rows"
    if leak.future:
        return (
            f'it reads rows of "{table}" that come after the row\'s moment: turn the comparison round, or '
            "call the column "
            "what it is, a label"
        )
    if leak.reach is not None:
        return f'it reads rows of "{table}" past the row\'s moment: bound them by it in ON or WHERE'
    return f"nothing keeps rows of \"{table}\" to the row's past: bound their time by the row's moment in ON or WHERE"
