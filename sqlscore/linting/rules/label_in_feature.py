"""Labels that take part in features."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model

RULE = "label-in-feature"


def label_in_feature(model: Model) -> Iterator[Finding]:
    """Columns that are made of a label, and labels that are given to a score."""
    for leak in model.leaks("label"):
        yield finding(
            RULE, "error", leak.node,
            f'it is made of a label of "{leak.read.origin.what}", which is known only later: leave the '
            'label out, or name '
            "the column as a label",
            leak.column,
        )  # fmt: skip
    for fed in model.fed("label"):
        yield finding(RULE, "error", fed.call.node, f"{fed.call.name} is given a label: leave it out", fed.column)
