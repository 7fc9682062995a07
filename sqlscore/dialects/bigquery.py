"""BigQuery as a target. Moments are DATETIME, which has no zone; NaN, which it sorts first and never finds equal, is
compared as in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.warehouse.target import warehouse
from sqlscore.dialects.warehouse.words import Words

_NAN, _LEAST = "CAST('nan' AS FLOAT64)", "CAST('-inf' AS FLOAT64)"
_X = "CAST(:x AS FLOAT64)"
_LOG2 = f"LN({_X}) / LN(2)"
_SORTED = "ARRAY_AGG(CAST(:value AS FLOAT64) IGNORE NULLS ORDER BY IS_NAN(CAST(:value AS FLOAT64)), :value)"
_RANK = "({share} * (COUNT(:value) - 1))"
_LOW = f"{_SORTED}[SAFE_OFFSET(CAST(FLOOR{_RANK} AS INT64))]"
_HIGH = f"{_SORTED}[SAFE_OFFSET(CAST(CEIL{_RANK} AS INT64))]"
_ONE_ROW = "ARRAY_AGG(IF(:by IS NULL, NULL, :value) IGNORE NULLS ORDER BY :by{down} LIMIT 1)[SAFE_OFFSET(0)]"


def _from_0(logarithm: str) -> str:
    return f"CASE WHEN :x < 0 THEN {_NAN} WHEN :x = 0 THEN {_LEAST} ELSE {logarithm} END"


WORDS = Words(
    name="bigquery",
    engine="BigQuery",
    nan_is_greatest=False,
    raises_at_zero=False,
    most_after_the_point=9,
    types={
        "TINYINT": "INT64",
        "SMALLINT": "INT64",
        "INTEGER": "INT64",
        "BIGINT": "INT64",
        "DOUBLE": "FLOAT64",
        "VARCHAR": "STRING",
        "BOOLEAN": "BOOL",
        "DATE": "DATE",
        "TIMESTAMP": "DATETIME",
        "VARCHAR[]": "ARRAY<STRING>",
    },
    templates={
        "epoch": "DATETIME_DIFF(:time, CAST('1970-01-01 00:00:00' AS DATETIME), MICROSECOND)",
        "moment": "DATETIME_ADD(CAST('1970-01-01 00:00:00' AS DATETIME), INTERVAL (:number) MICROSECOND)",
        "cut": "DATETIME_TRUNC(:time, {unit})",
        "week": "DATETIME_TRUNC(:time, WEEK(MONDAY))",
        "days_by_seven": "DIV(DATETIME_DIFF(:end, :start, DAY), 7)",
        "months_between": "DATETIME_DIFF(:end, :start, {unit})",
        "units_between": "DATETIME_DIFF(:end, :start, {unit})",
        "shifted": "DATETIME_ADD(:time, INTERVAL (:n) {unit})",
        "part": "EXTRACT({unit} FROM :time)",
        "part_DOW": "(EXTRACT(DAYOFWEEK FROM :time) - 1)",
        "part_ISODOW": "(MOD(EXTRACT(DAYOFWEEK FROM :time) + 5, 7) + 1)",
        "part_DOY": "EXTRACT(DAYOFYEAR FROM :time)",
        "rounded": "CAST(CASE WHEN ABS(:value - TRUNC(:value)) = 0.5 THEN 2 * ROUND(:value / 2) ELSE ROUND(:value) END "
        "AS {kind})",
        "decimal": "CAST(:text AS NUMERIC)",
        "nan": "'nan'",
        "infinity": "'inf'",
        "division": "IEEE_DIVIDE(CAST(:a AS FLOAT64), CAST(:b AS FLOAT64))",
        "div": "DIV(:a, :b)",
        "mod": "MOD(:a, :b)",
        "date_text": "CAST(:value AS STRING)",
        "exp": f"EXP({_X})",
        "power": f"POW({_X}, CAST(:y AS FLOAT64))",
        "ln": _from_0(f"LN({_X})"),
        "log10": _from_0(f"LOG10({_X})"),
        "log2": _from_0(_LOG2),
        "bits": _from_0(
            f"CASE WHEN POW(2.0, FLOOR({_LOG2}) + 1) <= :x THEN FLOOR({_LOG2}) + 1 "
            f"WHEN POW(2.0, FLOOR({_LOG2})) > :x THEN FLOOR({_LOG2}) - 1 ELSE FLOOR({_LOG2}) END"
        ),
        "greatest": "CASE WHEN :a IS NULL THEN :b WHEN :b IS NULL THEN :a ELSE GREATEST(:a, :b) END",
        "least": "CASE WHEN :a IS NULL THEN :b WHEN :b IS NULL THEN :a ELSE LEAST(:a, :b) END",
        "least_real": "CASE WHEN :a IS NULL OR IS_NAN(:a) THEN COALESCE(:b, :a) WHEN :b IS NULL OR IS_NAN(:b) THEN :a "
        "ELSE LEAST(:a, :b) END",
        "quantile": f"({_LOW} + ({_HIGH} - {_LOW}) * ({_RANK} - FLOOR{_RANK}))",
        "count_if": "COUNTIF(:condition)",
        "list": "ARRAY_AGG(:rows)",
        "first": "ARRAY_AGG(:rows)[SAFE_OFFSET(0)]",
        "arg_max": _ONE_ROW.replace("{down}", " DESC"),
        "arg_min": _ONE_ROW.replace("{down}", ""),
        "element": "(:list)[SAFE_ORDINAL({n})]",
        "element_from_end": "(:list)[SAFE_ORDINAL(ARRAY_LENGTH(:list) + 1 - {n})]",
        "contains": ":value IN UNNEST(:list)",
        "size": "ARRAY_LENGTH(:list)",
        "numbers_joined": "SELECT 1 FROM t CROSS JOIN UNNEST(GENERATE_ARRAY(:start, (:end) - 1)) AS sqlscore_number",
        "numbers_alone": "SELECT 1 FROM UNNEST(GENERATE_ARRAY(:start, (:end) - 1)) AS sqlscore_number",
        "number": "sqlscore_number",
        "error": "ERROR(:message)",
    },
)

BIGQUERY = warehouse(WORDS, same=(exp.LastValue, exp.Array, exp.Struct, exp.PropertyEQ))
