"""Spark as a target: what is the same, the rules, and the check of the session's zone."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.spark.lists import LISTS
from sqlscore.dialects.spark.times import TIMES
from sqlscore.dialects.spark.values import VALUES
from sqlscore.dialects.strict import Dialect
from sqlscore.dialects.structure import named_window, recursion, table

_STRUCTURE = (
    exp.Select, exp.Subquery, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit,
    exp.With, exp.CTE, exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Union, exp.Except,
    exp.Intersect, exp.Distinct, exp.Window, exp.WindowSpec, exp.Filter, exp.Lateral, exp.Values, exp.Tuple, exp.Exists,
)  # fmt: skip
_VALUES = (
    exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT,
    exp.GTE, exp.Is, exp.In, exp.Between, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce, exp.Nullif,
    exp.Abs, exp.Sqrt, exp.Exp, exp.Pow, exp.Greatest, exp.Least, exp.Struct, exp.PropertyEQ,
    exp.Var, exp.DataType, exp.Array,
)  # fmt: skip
_AGGREGATES = (
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.Star, exp.RowNumber, exp.Rank,
    exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
)  # fmt: skip


def join(node: exp.Expr) -> exp.Expr | None:
    """Joins are the same where a condition follows ON."""
    if not isinstance(node, exp.Join):
        return None
    if (node.method or "").upper() == "ASOF":
        return node  # it is refused where it could not be written as another join
    if (node.method or "").upper() in ("POSITIONAL", "NATURAL") or node.args.get("using"):
        raise Refused("join", "a join says its condition after ON")
    return node


_CHECKED = """SELECT *
FROM (
{query}
) AS checked
WHERE EXISTS (
    SELECT one
    FROM VALUES (1) AS zone(one)
    WHERE CASE
        WHEN DATE_FORMAT(TIMESTAMP_MICROS(0), 'VV') IN ('UTC', 'Etc/UTC', 'GMT', 'Z') THEN TRUE
        ELSE RAISE_ERROR('this query is right in a session in UTC: SET TIME ZONE UTC')
    END
)"""


def _in_utc(query: str) -> str:
    """The query, which raises in a session of another zone: Spark would cut times at other midnights.

    A view cuts times in the zone of the session that made it, whatever session reads it, and CURRENT_TIMEZONE() is the
    reader's: DATE_FORMAT tells in which zone the times of this query are cut. As a query of its own the check raises
    also where the other zone leaves no rows.
    """
    return _CHECKED.format(query=query)


SPARK = Dialect(
    name="spark",
    same=(*_STRUCTURE, *_VALUES, *_AGGREGATES),
    rules=(named_window, recursion, join, table, *TIMES, *VALUES, *LISTS),
    finish=_in_utc,
)
