"""Snowflake as a target. Moments are TIMESTAMP_NTZ; names are upper case, as Snowflake reads those without quotes."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.warehouse.target import warehouse
from sqlscore.dialects.warehouse.words import Words

_NAN, _LEAST = "CAST('NaN' AS DOUBLE)", "CAST('-inf' AS DOUBLE)"
_X = "CAST(:x AS DOUBLE)"
_LOG2 = f"LN({_X}) / LN(CAST(2 AS DOUBLE))"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_NUMBERS = "TABLE(FLATTEN(INPUT => ARRAY_GENERATE_RANGE(:start, :end))) AS sqlscore_number"


def _from_0(logarithm: str) -> str:
    return f"CASE WHEN :x < 0 THEN {_NAN} WHEN :x = 0 THEN {_LEAST} ELSE {logarithm} END"


def name(node: exp.Expr) -> exp.Expr | None:
    """A plain name in upper case and quotes: found where it was made without quotes, and it may be a reserved word."""
    if isinstance(node, exp.Identifier) and _PLAIN.fullmatch(node.name):
        upper = exp.to_identifier(node.name.upper(), quoted=True)
        upper.meta["sqlscore_made"] = True
        return upper
    return None


def last_value(node: exp.Expr) -> exp.Expr | None:
    """LAST_VALUE, whose window ends with the partition in Snowflake unless it says where."""
    if isinstance(node, exp.LastValue):
        window = node.find_ancestor(exp.Window)
        if window is None or window.args.get("spec") is None:
            raise Refused("last_value", "it takes the whole partition in Snowflake: write ROWS BETWEEN ... AND ...")
        return node
    return None


WORDS = Words(
    name="snowflake",
    engine="Snowflake",
    most_after_the_point=12,
    types={
        "TINYINT": "INTEGER",
        "SMALLINT": "INTEGER",
        "INTEGER": "INTEGER",
        "BIGINT": "BIGINT",
        "DOUBLE": "DOUBLE",
        "VARCHAR": "VARCHAR",
        "BOOLEAN": "BOOLEAN",
        "DATE": "DATE",
        "TIMESTAMP": "TIMESTAMP_NTZ",
    },
    templates={
        "epoch": "DATEDIFF(MICROSECOND, CAST('1970-01-01 00:00:00' AS TIMESTAMP_NTZ), :time)",
        "moment": "DATEADD(MICROSECOND, :number, CAST('1970-01-01 00:00:00' AS TIMESTAMP_NTZ))",
        "cut": "DATE_TRUNC('{unit}', :time)",
        "week": "DATEADD(DAY, 1 - DAYOFWEEKISO(:time), DATE_TRUNC('DAY', :time))",
        "days_by_seven": "CAST(TRUNC(DATEDIFF(DAY, :start, :end) / 7) AS INTEGER)",
        "months_between": "DATEDIFF({unit}, :start, :end)",
        "units_between": "DATEDIFF({unit}, :start, :end)",
        "shifted": "DATEADD({unit}, :n, :time)",
        "part": "EXTRACT({unit} FROM :time)",
        "part_DOW": "MOD(DAYOFWEEKISO(:time), 7)",
        "part_ISODOW": "DAYOFWEEKISO(:time)",
        "part_DOY": "DAYOFYEAR(:time)",
        "rounded": "CAST(CASE WHEN ABS(:value - TRUNC(:value)) = 0.5 THEN 2 * ROUND(:value / 2) ELSE ROUND(:value) END "
        "AS {kind})",
        "decimal": ":number",
        "nan": "'NaN'",
        "infinity": "'inf'",
        "div": "CAST(((:a) - MOD(:a, :b)) / (:b) AS INTEGER)",
        "mod": "MOD(:a, :b)",
        "date_text": "TO_CHAR(:value, 'YYYY-MM-DD')",
        "exp": f"EXP({_X})",
        "power": f"POWER({_X}, CAST(:y AS DOUBLE))",
        "ln": _from_0(f"LN({_X})"),
        "log10": _from_0(f"LOG(10, {_X})"),
        "log2": _from_0(_LOG2),
        "bits": _from_0(
            f"CASE WHEN POWER(2, FLOOR({_LOG2}) + 1) <= :x THEN FLOOR({_LOG2}) + 1 "
            f"WHEN POWER(2, FLOOR({_LOG2})) > :x THEN FLOOR({_LOG2}) - 1 ELSE FLOOR({_LOG2}) END"
        ),
        "greatest": "GREATEST_IGNORE_NULLS(:a, :b)",
        "least": "LEAST_IGNORE_NULLS(:a, :b)",
        "quantile": "PERCENTILE_CONT({share}) WITHIN GROUP (ORDER BY CAST(:value AS DOUBLE))",
        "count_if": "COUNT_IF(:condition)",
        "numbers_joined": f"SELECT 1 FROM t, {_NUMBERS}",
        "numbers_alone": f"SELECT 1 FROM {_NUMBERS}",
        "number": "CAST(sqlscore_number.value AS INTEGER)",
    },
    refusals={
        "error": "Snowflake has no function that raises: leave the check out, and make it in DuckDB",
        "list": "Snowflake's arrays leave NULLs out: keep the rows, and number them in a window",
        "arg_max": "what MAX_BY does with NULLs is not stated: number the rows in a window and take the first",
        "arg_min": "what MIN_BY does with NULLs is not stated: number the rows in a window and take the first",
        "first": "Snowflake's arrays leave NULLs out: number the rows in a window and take the first",
        "contains": "Snowflake's arrays hold other types: write x IN ('a', 'b'), or join",
        "size": "Snowflake's arrays leave NULLs out: count the rows",
    },
)

SNOWFLAKE = warehouse(WORDS, rules=(name, last_value), same=(exp.LastValue,), quoted=False)
