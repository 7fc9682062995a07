"""Features that read into the time of the label beside them, and labels that read into that of the features."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.verdicts import in_words

RULE = "overlapping-windows"


def overlapping_windows(model: Model) -> Iterator[Finding]:
    """Windows of features and labels that share time."""
    for leak in model.leaks("join", "scan", "subquery", "group"):
        if leak.reach is not None and leak.beside and leak.column:
            yield finding(
                RULE, "error", leak.node,
                f"it reads up to {in_words(leak.reach)} after the moment at which the label "
                f'"{leak.beside[0]}" begins: end the window there',
                leak.column,
            )  # fmt: skip
    for output in model.outputs:
        for label in output.early:
            if label.before is None or (label.before == 0.0 and not output.shared):
                continue
            what = f"{in_words(label.before)} before the row's moment" if label.before else "at the row's moment itself"
            yield finding(
                RULE, "error", label.node,
                f"the label begins {what}, where features are read too: begin it after the moment (event_time > as_of)",
                label.column,
            )  # fmt: skip
