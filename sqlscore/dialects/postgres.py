"""PostgreSQL 14 and later as a target. Moments are `timestamp` without a zone, so that no session's zone matters."""

from __future__ import annotations

from sqlglot import exp

from sqlscore.dialects.warehouse.target import warehouse
from sqlscore.dialects.warehouse.words import Words

_NAN, _LEAST = "CAST('NaN' AS DOUBLE PRECISION)", "CAST('-Infinity' AS DOUBLE PRECISION)"
_X = "CAST(:x AS DOUBLE PRECISION)"
_TWO = "CAST(2 AS DOUBLE PRECISION)"
_LOG2 = f"LN({_X}) / LN({_TWO})"
_ANY_ROW = "FILTER (WHERE NOT :value IS NULL AND NOT :by IS NULL)"


def _from_0(logarithm: str) -> str:
    return f"CASE WHEN :x < 0 THEN {_NAN} WHEN :x = 0 THEN {_LEAST} ELSE {logarithm} END"


WORDS = Words(
    name="postgres",
    engine="PostgreSQL",
    filters=True,
    collation=' COLLATE "C"',
    types={
        "TINYINT": "SMALLINT",
        "SMALLINT": "SMALLINT",
        "INTEGER": "INTEGER",
        "BIGINT": "BIGINT",
        "HUGEINT": "NUMERIC",
        "FLOAT": "REAL",
        "DOUBLE": "DOUBLE PRECISION",
        "VARCHAR": "TEXT",
        "BOOLEAN": "BOOLEAN",
        "DATE": "DATE",
        "TIMESTAMP": "TIMESTAMP",
        "VARCHAR[]": "TEXT[]",
    },
    templates={
        "epoch": "CAST(EXTRACT(EPOCH FROM :time) * 1000000 AS BIGINT)",
        "moment": "TIMESTAMP '1970-01-01' + ((:number) / 86400000000) * INTERVAL '1 DAY' "
        "+ ((:number) % 86400000000) * INTERVAL '1 MICROSECOND'",
        "cut": "DATE_TRUNC('{unit}', :time)",
        "week": "DATE_TRUNC('WEEK', :time)",
        "days_by_seven": "(CAST(:end AS DATE) - CAST(:start AS DATE)) / 7",
        "months_between": "CAST((EXTRACT(YEAR FROM :end) - EXTRACT(YEAR FROM :start)) * 12 + EXTRACT(MONTH FROM "
        "DATE_TRUNC('{unit}', :end)) - EXTRACT(MONTH FROM DATE_TRUNC('{unit}', :start)) AS BIGINT) / {months}",
        "units_between": "CAST(EXTRACT(EPOCH FROM DATE_TRUNC('{unit}', :end) - DATE_TRUNC('{unit}', :start)) * 1000000 "
        "AS BIGINT) / {each}",
        "shifted": "(:time + (:n) * INTERVAL '1 {unit}')",
        "span": "((:n) * CAST(:unit AS INTERVAL))",
        "no_span": "CAST(NULL AS INTERVAL)",
        "elapsed": "((:end) - (:start))",
        "part": "CAST(EXTRACT({unit} FROM :time) AS BIGINT)",
        "rounded": "CAST(:value AS {kind})",
        "decimal": ":number",
        "nan": "'NaN'",
        "infinity": "'Infinity'",
        "div": "CAST(DIV(CAST(:a AS NUMERIC), CAST(:b AS NUMERIC)) AS BIGINT)",
        "mod": "CAST(MOD(CAST(:a AS NUMERIC), CAST(:b AS NUMERIC)) AS BIGINT)",
        "date_text": "TO_CHAR(:value, 'YYYY-MM-DD')",
        "exp": f"CASE WHEN {_X} = {_NAN} THEN {_NAN} WHEN {_X} < -745 THEN CAST(0 AS DOUBLE PRECISION) "
        f"WHEN {_X} > 709.782712893384 THEN -({_LEAST}) ELSE EXP({_X}) END",
        "power": f"CASE WHEN :x > 0 THEN CASE WHEN CAST(:y AS DOUBLE PRECISION) * LN({_X}) < -745 "
        f"THEN CAST(0 AS DOUBLE PRECISION) ELSE POWER({_X}, CAST(:y AS DOUBLE PRECISION)) END "
        f"ELSE POWER({_X}, CAST(:y AS DOUBLE PRECISION)) END",
        "ln": _from_0(f"LN({_X})"),
        "log10": _from_0(f"LN({_X}) / LN(CAST(10 AS DOUBLE PRECISION))"),
        "log2": _from_0(_LOG2),
        "bits": _from_0(
            f"CASE WHEN POWER({_TWO}, FLOOR({_LOG2}) + 1) <= :x THEN FLOOR({_LOG2}) + 1 "
            f"WHEN POWER({_TWO}, FLOOR({_LOG2})) > :x THEN FLOOR({_LOG2}) - 1 ELSE FLOOR({_LOG2}) END"
        ),
        "greatest": "GREATEST(:a, :b)",
        "least": "LEAST(:a, :b)",
        "quantile": "PERCENTILE_CONT({share}) WITHIN GROUP (ORDER BY CAST(:value AS DOUBLE PRECISION))",
        "list": "ARRAY_AGG(:rows)",
        "first": "(ARRAY_AGG(:rows))[1]",
        "arg_max": f"(ARRAY_AGG(:value ORDER BY :by DESC) {_ANY_ROW})[1]",
        "arg_min": f"(ARRAY_AGG(:value ORDER BY :by) {_ANY_ROW})[1]",
        "element": "(:list)[{n}]",
        "element_from_end": "(:list)[CARDINALITY(:list) + 1 - {n}]",
        "contains": ":value = ANY(:list)",
        "size": "CARDINALITY(:list)",
        # no function raises, but a cast does; RANDOM keeps the planner from making the cast before there is a row
        "error": "CAST((:message) || LEFT(CAST(RANDOM() AS TEXT), 0) AS BOOLEAN)",
        "numbers": "GENERATE_SERIES(CAST(:start AS BIGINT), CAST(:end AS BIGINT) - 1)",
    },
)

POSTGRES = warehouse(
    WORDS,
    same=(exp.Filter, exp.Lateral, exp.Values, exp.Except, exp.Intersect, exp.LastValue, exp.Array),
    gives_rows_in_select=True,
)
