"""Between which moments something lies, as the conditions and the rows of the file tell."""

from __future__ import annotations

import duckdb

from sqlscore.linting.catalog import Catalog
from sqlscore.linting.values import Moment
from sqlscore.linting.zones import EPOCH, Facts, Var, bound
from sqlscore.quoting import identifier, qualified

Range = tuple[float | None, float | None]
"""The earliest and the latest moment in seconds since 1970; None where nothing is known."""


def known_range(catalog: Catalog, facts: Facts, moment: Moment) -> Range:
    """Between which moments one lies: by the conditions, and by the columns that they compare it with.

    Args:
        catalog: Gives the rows of the file.
        facts: What holds of it.
        moment: Of a row, a parameter, or a constant.
    """
    others = {var for fact in facts for var in (fact.left, fact.right)} | {moment.var, EPOCH}
    lows: list[float] = []
    highs: list[float] = []
    for var in others:
        over, under = bound(facts, moment.var, var), bound(facts, var, moment.var)
        if over is None and under is None:
            continue
        low, high = _of_rows(catalog, var)
        if over is not None and high is not None:
            highs.append(high + over[0])
        if under is not None and low is not None:
            lows.append(low - under[0])
    return (max(lows) + moment.low if lows else None, min(highs) + moment.high if highs else None)


def _of_rows(catalog: Catalog, var: Var) -> Range:
    """The first and the last moment of the column whose times a variable stands for."""
    if var == EPOCH:
        return (0.0, 0.0)
    if var.base is not None or var.kind not in ("row", "newest"):
        return (None, None)
    name = var.name.partition(":")[2] if var.kind == "row" else var.name
    schema, _, rest = name.partition(".")
    table, _, column = rest.partition(".")
    if var.kind == "newest" and not rest:  # of the mapped events
        mapped = next(iter(catalog.mapped), None)
        if mapped is None:
            return (None, None)
        schema, table = mapped
    known = catalog.table(schema, table)
    clock = column or (known.clock if known is not None else None)
    if known is None or clock not in known.times or catalog.con is None:
        return (None, None)
    query = f"SELECT epoch(min({identifier(clock)})), epoch(max({identifier(clock)})) FROM {qualified(schema, table)}"
    try:
        first, last = catalog.con.execute(query).fetchall()[0]
    except duckdb.Error:  # a view that cannot be read any more
        return (None, None)
    if first is None:
        return (None, None)
    return (float(last), float(last)) if var.kind == "newest" else (float(first), float(last))
