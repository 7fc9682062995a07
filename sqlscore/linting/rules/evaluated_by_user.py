"""Scores and labels that are put together by user alone."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.observations import Join
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Read
from sqlscore.linting.zones import bound

RULE = "evaluated-by-user"


def evaluated_by_user(model: Model) -> Iterator[Finding]:
    """Joins of scores and labels that do not compare their moments."""
    done: set[int] = set()
    for join in model.seen.joins:
        for scores, labels in ((join.left, (join.right,)), ((join.right,), join.left)):
            if id(join.node) in done:
                continue
            if _apart(join, scores, labels):
                done.add(id(join.node))
                yield finding(
                    RULE, "error", join.node,
                    "the score may be of a later moment than the label, and have seen it: join them by "
                    "user and by as_of",
                )  # fmt: skip


def _apart(join: Join, scores: tuple[Relation, ...], labels: tuple[Relation, ...]) -> bool:
    for one in scores:
        reads = [
            read
            for value in one.columns.values()
            if "score" in value.tags
            for read in value.reads
            if read.origin.kind == "score"
        ]
        if not reads or any("label" in value.tags for value in one.columns.values()):
            continue
        for other in labels:
            wanted = [read for value in other.columns.values() if "label" in value.tags for read in value.reads]
            if wanted and not any(_before(join, read, label) for read in reads for label in wanted):
                return True
    return False


def _before(join: Join, score: Read, label: Read) -> bool:
    """Whether the score is surely of a moment before what the label reads."""
    known = bound(join.facts() | score.facts | label.facts, score.var, label.var)
    return known is not None and known[0] <= 1e-3
