"""Training and test parts that chance or a hash makes of sequences."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.reading.splits import names_a_split

RULE = "random-split"


def random_split(model: Model) -> Iterator[Finding]:
    """random(), hash() or a sample that says which rows train and which test."""
    for split in model.seen.splits:
        if any(names_a_split(name) for name in split.names):
            whose = "users" if split.kind == "user" else "events"
            yield finding(
                RULE, "error", split.node,
                f"chance parts {whose} into training and test, so the model is tested on days that it has "
                "learned: part "
                "them by time (event_time < a moment)",
            )  # fmt: skip
