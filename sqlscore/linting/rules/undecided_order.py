"""An order that does not say which of several rows is first."""

from __future__ import annotations

from collections.abc import Iterator

from sqlscore.linting.findings import Finding, finding
from sqlscore.linting.model import Model
from sqlscore.linting.observations import Ordering

RULE = "undecided-order"


def undecided_order(model: Model) -> Iterator[Finding]:
    """Rows that are numbered, or one of which is taken, in an order in which several are equal."""
    for ordering in model.seen.orderings:
        if ordering.what in ("rank", "dense_rank", "denserank") or ordering.settled:
            continue
        if ordering.coarse or _has_ties(model, ordering):
            yield finding(
                RULE, "warning", ordering.node,
                f"{ordering.what} orders by time alone, which several rows share, so chance decides "
                "between them: add a "
                "column that tells them apart to ORDER BY",
            )  # fmt: skip


def _has_ties(model: Model, ordering: Ordering) -> bool:
    if not ordering.timed or len(ordering.tables) != 1:
        return False
    schema, _, name = ordering.tables[0].rpartition(".")
    columns = frozenset(column for table, column in ordering.by if table == ordering.tables[0])
    table = model.catalog.table(schema, name)
    if table is None or not columns or len(columns) < len(ordering.by):
        return False
    return model.catalog.has_ties(schema, name, columns | table.users)
