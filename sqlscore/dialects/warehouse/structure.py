"""What is the same in structure; rules for joins and windows; queries that are written otherwise as a whole."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.kinds import REAL
from sqlscore.dialects.refusal import Refusal, Refused, collecting
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.warehouse.words import Words

SAME = (
    exp.Select, exp.Subquery, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit,
    exp.With, exp.CTE, exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Union, exp.Distinct,
    exp.Window, exp.WindowSpec, exp.Tuple, exp.Exists,
    exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT,
    exp.GTE, exp.Is, exp.In, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Abs,
    exp.Var, exp.DataType,
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.Star, exp.RowNumber, exp.Rank,
    exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue,
)  # fmt: skip
"""Kinds of nodes that mean the same in all of them."""


def join(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Joins with a condition after ON; BigQuery's outer joins need an equality."""
    if not isinstance(node, exp.Join):
        return None
    kind, side = (node.kind or "").upper(), (node.side or "").upper()
    if (node.method or "").upper() in ("POSITIONAL", "NATURAL") or node.args.get("using") or kind in ("SEMI", "ANTI"):
        raise Refused("join", "a join says its condition after ON, and SEMI and ANTI stand last: write EXISTS")
    condition = node.args.get("on")
    if side and words.name == "bigquery" and (condition is None or not _has_equality(condition)):
        raise Refused("join", "an outer join needs an equality of columns in BigQuery: join by = first")
    return node


def _has_equality(condition: exp.Expr) -> bool:
    if isinstance(condition, exp.And):
        return any(_has_equality(one) for one in condition.flatten())
    sides = (condition.this, condition.expression) if isinstance(condition.unnest(), exp.EQ) else ()
    return bool(sides) and all(isinstance(side, exp.Column) for side in sides)


def window(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Windows and groups over values that the engine can tell apart."""
    if isinstance(node, exp.Window) and words.name == "bigquery":
        for value in node.args.get("partition_by") or ():
            if type_of(value) in REAL:
                raise Refused("window", "BigQuery has no PARTITION BY a float: partition by a whole number or a text")
    if isinstance(node, exp.Group) and words.name != "postgres":
        for value in node.expressions:
            if (type_of(value) or "").endswith("]"):
                raise Refused("group", f"lists are not grouped by in {words.engine}: group by a text of their elements")
    return None


def counted(words: Words, node: exp.Expr) -> exp.Expr | None:
    """`UNNEST(RANGE(n))` in a SELECT, where the engine has functions that give rows there."""
    if not isinstance(node, (exp.Explode, exp.Unnest)) or not isinstance(node.parent, (exp.Alias, exp.Select)):
        return None
    start, end = _range(node)
    return words.said("numbers", "unnest", start=start, end=end)


def _range(node: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    values = node.this if isinstance(node, exp.Explode) else node.expressions[0]
    if not isinstance(values, exp.GenerateSeries) or values.args.get("step") is not None:
        raise Refused("unnest", "UNNEST is carried over for RANGE(n) alone: join the elements as a table")
    return values.args["start"], values.args["end"]


def row(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A struct, such as a whole row; its fields have no order elsewhere."""
    if isinstance(node, exp.Struct) and words.name != "bigquery":
        raise Refused("struct", f"{words.engine} has no equal of a struct: select the columns that you need")
    if isinstance(node, exp.Dot):
        raise Refused("struct", "fields of structs are not carried over: select them in DuckDB, or in a view there")
    return None


STRUCTURE = (row, join, window, counted)

_NUMBER = "sqlscore_number"


def numbers_joined(words: Words, query: exp.Expr, refusals: list[Refusal]) -> exp.Expr:
    """The query with `SELECT UNNEST(RANGE(n))` as a join with a table of numbers.

    Args:
        words: The engine's.
        query: A resolved query; it is changed.
        refusals: Receives what is refused.
    """
    for select in list(query.find_all(exp.Select)):
        nodes = [one.unalias() for one in select.expressions if isinstance(one.unalias(), (exp.Explode, exp.Unnest))]
        if not nodes:
            continue
        with collecting(refusals, nodes[0]):
            if len(nodes) > 1 or select.args.get("group") or select.find(exp.AggFunc):
                raise Refused("unnest", "one UNNEST in a SELECT without GROUP BY is carried over: use a subquery")
            start, end = _range(nodes[0])
            bare = not (select.args.get("from_") or select.args.get("from"))
            made = words.said("numbers_alone" if bare else "numbers_joined", "unnest", start=start, end=end)
            nodes[0].replace(words.said("number", "unnest"))
            if bare:
                select.set("from_", made.args.get("from_") or made.args["from"])
            else:
                select.append("joins", made.args["joins"][0])
    return query


def without_lateral(query: exp.Expr) -> exp.Expr:
    """The query with `CROSS JOIN LATERAL (SELECT expression AS x)` as the expression in place of x.

    Args:
        query: A resolved query; it is changed.
    """
    for one in list(query.find_all(exp.Join)):
        lateral, select = one.this, one.parent
        inner = lateral.this if isinstance(lateral, exp.Lateral) else None
        inner = inner.this if isinstance(inner, exp.Subquery) else inner
        if not isinstance(inner, exp.Select) or not isinstance(select, exp.Select) or one.args.get("on") or one.side:
            continue
        if {key for key, value in inner.args.items() if value} - {"expressions", "kind"} or inner.find(exp.AggFunc):
            continue
        values = {each.alias_or_name: each.unalias() for each in inner.expressions}
        for column in list(select.find_all(exp.Column)):
            if column.table == lateral.alias and column.name in values:
                value = exp.paren(values[column.name])
                value.meta.update(value.this.meta)  # its type, for the rules
                column.replace(value)
        one.pop()
    return query


def without_values(query: exp.Expr) -> exp.Expr:
    """The query with tables of VALUES as a UNION ALL of SELECTs.

    Args:
        query: A resolved query; it is changed.
    """
    for values in list(query.find_all(exp.Values)):
        alias = values.args.get("alias") or (values.parent.args.get("alias") if values.parent else None)
        if alias is None or not alias.columns:
            continue
        selects = [
            exp.Select(expressions=[exp.alias_(value.copy(), name.name) for value, name in zip(
                row.expressions if isinstance(row, exp.Tuple) else [row], alias.columns, strict=True)])
            for row in values.expressions
        ]  # fmt: skip
        union: exp.Expr = selects[0]
        for select in selects[1:]:
            union = exp.Union(this=union, expression=select, distinct=False)
        named = exp.TableAlias(this=exp.to_identifier(alias.name))
        place = values.parent if isinstance(values.parent, exp.Subquery) else values
        place.replace(exp.Subquery(this=union, alias=named))
    return query
