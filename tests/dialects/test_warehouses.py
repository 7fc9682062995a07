"""What is written for PostgreSQL, BigQuery and Snowflake, construct by construct; the table of docs/dialects.md."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
import sqlglot
from carried_views import FEATURES
from small_shop import open_shop

import sqlscore
from sqlscore.errors import TranspileError

ROOT = Path(__file__).parents[2]
ENGINES = ("spark", "bigquery", "snowflake", "postgres")
"""In the order of the table's columns."""

PAIRS = {
    "date_trunc('week', max(event_time))": {
        "bigquery": "DATETIME_TRUNC(MAX(`e`.`event_time`), WEEK(MONDAY))",
        "snowflake": 'DATEADD(DAY, 1 - DAYOFWEEKISO(MAX("E"."EVENT_TIME")), DATE_TRUNC(\'DAY\', ',
        "postgres": 'DATE_TRUNC(\'WEEK\', MAX("e"."event_time"))',
    },
    "date_diff('week', min(event_time), max(event_time))": {
        "bigquery": "DIV(DATETIME_DIFF(MAX(`e`.`event_time`), MIN(`e`.`event_time`), DAY), 7)",
        "snowflake": 'TRUNC(DATEDIFF(DAY, MIN("E"."EVENT_TIME"), MAX("E"."EVENT_TIME")) / 7)',
        "postgres": '(CAST(MAX("e"."event_time") AS DATE) - CAST(MIN("e"."event_time") AS DATE)) / 7',
    },
    "max(event_time) - INTERVAL 2 WEEK": {
        "bigquery": "DATETIME_ADD(MAX(`e`.`event_time`), INTERVAL (-14) DAY)",
        "snowflake": 'DATEADD(DAY, -14, MAX("E"."EVENT_TIME"))',
        "postgres": '(MAX("e"."event_time") + (-14) * INTERVAL \'1 DAY\')',
    },
    "epoch_us(max(event_time))": {
        "bigquery": "DATETIME_DIFF(MAX(`e`.`event_time`), CAST('1970-01-01 00:00:00' AS DATETIME), MICROSECOND)",
        "snowflake": "DATEDIFF(MICROSECOND, CAST('1970-01-01 00:00:00' AS TIMESTAMPNTZ), MAX(",
        "postgres": 'CAST(EXTRACT(EPOCH FROM MAX("e"."event_time")) * 1000000 AS BIGINT)',
    },
    "dayofweek(max(event_time))": {
        "bigquery": "(EXTRACT(DAYOFWEEK FROM MAX(`e`.`event_time`)) - 1)",
        "snowflake": 'DAYOFWEEKISO(MAX("E"."EVENT_TIME"))',
        "postgres": 'EXTRACT(DOW FROM MAX("e"."event_time"))',
    },
    "count(*) / count(price)": {
        "bigquery": "IEEE_DIVIDE(CAST(COUNT(*) AS FLOAT64), CAST(COUNT(`e`.`price`) AS FLOAT64))",
        "snowflake": 'NULLIF(CAST(COUNT("E"."PRICE") AS DOUBLE), 0)',
        "postgres": 'NULLIF(CAST(COUNT("e"."price") AS DOUBLE PRECISION), 0)',
    },
    "count(*) // 2": {
        "bigquery": "DIV(COUNT(*), 2)",
        "snowflake": "CAST(((COUNT(*)) - COUNT(*) % 2) / (2) AS INT)",
        "postgres": "DIV(CAST(COUNT(*) AS DECIMAL), CAST(2 AS DECIMAL))",
    },
    "CAST(max(price) AS INTEGER)": {
        "bigquery": "THEN 2 * ROUND(MAX(`e`.`price`) / 2) ELSE ROUND(MAX(`e`.`price`)) END AS INT64)",
        "snowflake": 'THEN 2 * ROUND(MAX("E"."PRICE") / 2) ELSE ROUND(MAX("E"."PRICE")) END AS INT)',
        "postgres": 'CAST(MAX("e"."price") AS INT)',
    },
    "count(*) FILTER (WHERE price > 1)": {
        "bigquery": "COUNTIF(((`e`.`price`) > (1) OR IS_NAN(`e`.`price`)))",
        "snowflake": 'COUNT_IF("E"."PRICE" > 1)',
        "postgres": 'COUNT(*) FILTER(WHERE "e"."price" > 1)',
    },
    "max(event_type)": {"postgres": 'MAX(("e"."event_type") COLLATE "C")'},
    "min(price)": {
        "bigquery": "COALESCE(MIN(IF(IS_NAN(`e`.`price`), NULL, `e`.`price`)), MAX(`e`.`price`))",
        "snowflake": 'MIN("E"."PRICE")',
    },
    "median(price)": {
        "bigquery": "[SAFE_OFFSET(CAST(CEIL(0.5 * (COUNT(`e`.`price`) - 1)) AS INT64))]",
        "snowflake": 'PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY CAST("E"."PRICE" AS DOUBLE))',
        "postgres": 'PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY CAST("e"."price" AS DOUBLE PRECISION))',
    },
    "concat(max(event_type), NULL)": {
        "bigquery": "COALESCE(CAST(MAX(`e`.`event_type`) AS STRING), '')",
        "snowflake": 'COALESCE(CAST(MAX("E"."EVENT_TYPE") AS VARCHAR), \'\')',
    },
    "row_number() OVER (ORDER BY max(price) DESC)": {
        "bigquery": "ORDER BY (MAX(`e`.`price`)) IS NULL ASC, IS_NAN(MAX(`e`.`price`)) DESC, MAX(`e`.`price`) DESC",
        "snowflake": 'ORDER BY (MAX("E"."PRICE")) IS NULL ASC NULLS FIRST, MAX("E"."PRICE") DESC',
        "postgres": 'ORDER BY MAX("e"."price") DESC NULLS LAST',
    },
    "greatest(max(price), 1)": {"snowflake": 'GREATEST_IGNORE_NULLS(MAX("E"."PRICE"), 1)'},
    "arg_max(event_type, event_time)": {
        "bigquery": "ARRAY_AGG(IF(`e`.`event_time` IS NULL, NULL, `e`.`event_type`) IGNORE NULLS",
        "postgres": 'FILTER(WHERE NOT "e"."event_type" IS NULL AND NOT "e"."event_time" IS NULL))[1]',
    },
    "list(event_type ORDER BY event_time)[-1]": {
        "bigquery": "[SAFE_ORDINAL(ARRAY_LENGTH(ARRAY_AGG(`e`.`event_type`",
        "postgres": "[CARDINALITY(ARRAY_AGG(",
    },
    "(count(*) + 1) % (count(price) - 1)": {
        "bigquery": "MOD(COUNT(*) + 1, COUNT(`e`.`price`) - 1)",
        "snowflake": '(COUNT(*) + 1) % (COUNT("E"."PRICE") - 1)',
        "postgres": 'CAST((COUNT(*) + 1) AS DECIMAL) % CAST((COUNT("e"."price") - 1) AS DECIMAL)',
    },
    "sum(price) * 1e6": {
        "bigquery": "CAST(1e6 AS FLOAT64)",
        "snowflake": "CAST(1e6 AS DOUBLE)",
        "postgres": "CAST(1e6 AS DOUBLE PRECISION)",
    },
    "count(*) * 0.5": {"bigquery": "CAST('0.5' AS NUMERIC)", "snowflake": "COUNT(*) * 0.5"},
}
"""An expression over table `e` of the small shop, and what the SQL of each engine holds."""

REFUSED = (
    ("bigquery", "SELECT sum(price) OVER (PARTITION BY price) FROM e", "window"),
    ("bigquery", "SELECT a.price FROM e a LEFT JOIN e b ON a.user_id IS NOT DISTINCT FROM b.user_id", "join"),
    ("bigquery", "SELECT CAST(price AS FLOAT) FROM e", "cast"),
    ("bigquery", "SELECT count(*) * 0.0123456789 FROM e", "decimal"),
    ("bigquery", "SELECT event_type = 'a\\b' FROM e", "text"),
    ("snowflake", "SELECT last_value(price) OVER (ORDER BY event_time) FROM e", "last_value"),
    ("snowflake", "SELECT CASE WHEN price > 0 THEN TRUE ELSE error('no') END FROM e", "error"),
    ("postgres", "SELECT event_type ILIKE 'B%' FROM e", "case"),
    ("postgres", "SELECT greatest(event_type, 'b') FROM e", "greatest"),
    ("postgres", "SELECT CAST('1 March 2024' AS TIMESTAMP) FROM e", "cast"),
    ("postgres", "SELECT floor(log2(price)) FROM e", "logarithm"),
    ("postgres", "SELECT e FROM e", "struct"),
)


def flat(text: str) -> str:
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize(
    ("expression", "engine"), [(expression, engine) for expression, texts in PAIRS.items() for engine in texts]
)
def test_what_duckdb_means_is_written_in_the_words_of_the_engine(expression: str, engine: str) -> None:
    query = f"SELECT {expression} AS x FROM e GROUP BY user_id"
    assert PAIRS[expression][engine] in flat(sqlscore.transpile(open_shop(), query, dialect=engine))


@pytest.mark.parametrize(("engine", "query", "rule"), REFUSED)
def test_what_an_engine_has_not_is_refused_by_its_rule(engine: str, query: str, rule: str) -> None:
    with pytest.raises(TranspileError, match=rf"(?s)the query, line 1: .*\[{rule}\]"):
        sqlscore.transpile(open_shop(), query, dialect=engine)


@pytest.mark.parametrize("engine", ["bigquery", "snowflake"])
@pytest.mark.parametrize("call", FEATURES)
def test_labels_and_features_are_carried_over(call: str, engine: str) -> None:
    """And sqlglot reads what was written, as that engine's SQL."""
    text = sqlscore.transpile(open_shop(), f"SELECT * FROM sqlscore.{call}", dialect=engine)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(5_000)  # sqlglot goes down a level for each of the sums that a probability is
    try:
        read = sqlglot.parse_one(text, read=engine)
    finally:
        sys.setrecursionlimit(limit)
    assert {table.name.casefold() for table in read.find_all(sqlglot.exp.Table) if table.name} >= {"events"}
    assert not re.search(r"(?i)\bFILTER ?\(|\bLATERAL\b|VALUES", text)


TABLE = re.findall(r"^\| `(.+)` \|((?: (?:yes|no: \w+) \|){4})$", (ROOT / "docs/dialects.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("construct", "cells"), TABLE)
def test_the_table_of_the_docs_is_what_the_rules_say(construct: str, cells: str) -> None:
    con = open_shop()
    whole = construct.startswith(("SELECT", "WITH"))
    query = construct if whole else f"SELECT {construct} AS x FROM e GROUP BY user_id"
    for engine, cell in zip(ENGINES, cells.strip(" |").split(" | "), strict=True):
        found = "yes"
        try:
            sqlscore.transpile(con, query, dialect=engine)
        except TranspileError as error:
            found = "no: " + re.findall(r"\[(\w+)\]$", str(error), re.MULTILINE)[0]
        assert (engine, found) == (engine, cell)


def test_the_docs_name_every_rule_that_refuses_for_spark() -> None:
    text = (ROOT / "docs/spark.md").read_text()
    lines = re.findall(r"^- ((?:`\w+`,? ?)+): ", text[text.index("Refused, by rule") :], re.MULTILINE)
    named = {name for line in lines for name in re.findall(r"`(\w+)`", line)}
    folder = ROOT / "sqlscore/dialects"
    files = [*(folder / "spark").glob("*.py"), *(folder / f"{name}.py" for name in SHARED)]
    raised = {
        node.args[0].value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused"
        if isinstance(node.args[0], ast.Constant)
    }
    assert named == raised


SHARED = ("expansion", "joins", "pairs", "parts", "shipped", "strict", "structure")
"""What refuses for every target."""
