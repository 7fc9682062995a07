"""Spark as a target: what is the same, the rules, and the check of the session's zone."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.folding import KEPT
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.spark.lists import LISTS
from sqlscore.dialects.spark.times import TIMES
from sqlscore.dialects.spark.values import VALUES
from sqlscore.dialects.strict import Dialect

_STRUCTURE = (
    exp.Select, exp.Subquery, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit,
    exp.With, exp.CTE, exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Union, exp.Except,
    exp.Intersect, exp.Distinct, exp.Window, exp.WindowSpec, exp.Filter, exp.Lateral, exp.Values, exp.Tuple, exp.Exists,
)  # fmt: skip
_VALUES = (
    exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT,
    exp.GTE, exp.Is, exp.In, exp.Between, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce, exp.Nullif,
    exp.Abs, exp.Sqrt, exp.Exp, exp.Pow, exp.Greatest, exp.Least, exp.Upper, exp.Lower, exp.Struct, exp.PropertyEQ,
    exp.Var, exp.DataType, exp.Array,
)  # fmt: skip
_AGGREGATES = (
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.Star, exp.RowNumber, exp.Rank,
    exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
)  # fmt: skip


def _join(node: exp.Expr) -> exp.Expr | None:
    """Joins are the same, but for ASOF, whose condition Spark has in a clause of its own."""
    if not isinstance(node, exp.Join):
        return None
    if (node.method or "").upper() == "ASOF":
        raise Refused("asof", "ASOF JOIN is not carried over: join by key and time, and keep the newest by ROW_NUMBER")
    if (node.method or "").upper() in ("POSITIONAL", "NATURAL") or node.args.get("using"):
        raise Refused("join", "a join says its condition after ON")
    return node


def _table(node: exp.Expr) -> exp.Expr | None:
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


def _named_window(node: exp.Expr) -> exp.Expr | None:
    """A named window written out: Spark reads `OVER w - 1` as the window `w-1`."""
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


def _recursion(node: exp.Expr) -> exp.Expr | None:
    """A recursive CTE, which may not rank or aggregate its own rows in Spark."""
    if isinstance(node, exp.With) and node.args.get("recursive"):
        for cte in node.expressions:
            again = cte.this.expression if isinstance(cte.this, exp.Union) else None
            if again is not None and again.find(exp.Window, exp.AggFunc, exp.Order) is not None:
                raise Refused("recursion", f"Spark has no window, aggregate or order over {cte.alias} inside itself: "
                              "write one CTE a step")  # fmt: skip
    return None


_CHECKED = """SELECT *
FROM (
{query}
) AS checked
WHERE CASE
    WHEN CURRENT_TIMEZONE() IN ('UTC', 'Etc/UTC', 'Z') THEN TRUE
    ELSE RAISE_ERROR('this query is right in a session in UTC: SET TIME ZONE UTC')
END"""


def _in_utc(query: str) -> str:
    """The query, which raises in a session of another zone: Spark would cut times at other midnights."""
    return _CHECKED.format(query=query)


SPARK = Dialect(
    name="spark",
    same=(*_STRUCTURE, *_VALUES, *_AGGREGATES),
    rules=(_named_window, _recursion, _join, _table, *TIMES, *VALUES, *LISTS),
    finish=_in_utc,
)
