"""Rules that all targets share: tables by their bare names, windows written out, recursions that are left."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.folding import KEPT
from sqlscore.dialects.refusal import Refused


def table(node: exp.Expr) -> exp.Expr | None:
    """The events and scores by their bare names, and tables of schema main without it."""
    if not isinstance(node, exp.Table):
        return None
    if not isinstance(node.this, exp.Identifier):
        raise Refused("table", "a function that gives a table is not carried over: store its rows in a table")
    if node.args.get("sample") is not None:
        raise Refused("sample", "a sample differs from engine to engine: store it in a table")
    if node.db.casefold() in ("main", "sqlscore") and node.name.casefold() not in KEPT:
        node.set("db", None)
    elif node.db.casefold() == "sqlscore":
        raise Refused("file", f"sqlscore.{node.name} is kept in the DuckDB file: read it there")
    return node


def named_window(node: exp.Expr) -> exp.Expr | None:
    """A named window written out: Spark reads `OVER w - 1` as the window `w-1`, and not all engines have them."""
    if isinstance(node, exp.Select) and node.args.get("windows"):
        named = {window.name.casefold(): window for window in node.args["windows"]}
        for window in list(node.find_all(exp.Window)):
            name = window.args.get("alias")
            if window.find_ancestor(exp.Select) is node and window not in named.values() and name is not None:
                for key in ("partition_by", "order", "spec"):
                    part = named[name.name.casefold()].args.get(key)
                    window.set(key, [one.copy() for one in part] if isinstance(part, list) else part and part.copy())
                window.set("alias", None)
                window.set("first", None)
        node.set("windows", None)
    return None


def recursion(node: exp.Expr) -> exp.Expr | None:
    """A recursive CTE that does not count to a constant, and ranks or aggregates its own rows."""
    if isinstance(node, exp.With) and node.args.get("recursive"):
        for cte in node.expressions:
            again = cte.this.expression if isinstance(cte.this, exp.Union) else None
            if again is not None and again.find(exp.Window, exp.AggFunc, exp.Order) is not None:
                raise Refused(
                    "recursion",
                    f"no window, aggregate or order is carried over inside a recursion: let {cte.alias} count its "
                    "steps from a number to a number, or write one CTE a step",
                )
    return None
