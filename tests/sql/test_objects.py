"""The `.sql` files as a set: all are listed, all are described, and all can be had a second time under other names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.sql.names import MAPPING_TABLES, REGISTRY_TABLES, retarget
from sqlscore.sql.objects import FILES, objects, table

SQL = Path(__file__).parents[2] / "sql"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two mappings in one file; of a second one all names differ but the registry's."""
    con = sqlscore.connect()
    con.execute(
        "CREATE TABLE clicks AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type"
    )
    con.execute("CREATE TABLE labels_then AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS as_of, TRUE AS churned")
    con.execute(
        """CREATE TABLE scores_then AS SELECT *, 0.5 AS churn_risk, 'm@1' AS model,
        as_of AS last_event_time, 'view' AS next_action, 0.5 AS next_action_probability,
        [{'action': 'view', 'probability': 0.5}] AS next_actions
        FROM labels_then JOIN clicks USING (user_id)"""
    )
    con.execute(
        """CREATE TABLE drift_bins AS SELECT 'gap' AS measure, 'a' AS bin, 1 AS n_reference, 1 AS n_current,
        1.0 AS share_reference, 1.0 AS share_current"""
    )
    con.execute("CREATE TABLE binned AS SELECT TRUE AS is_current, 'gap' AS measure, 'a' AS bin")
    sqlscore.map_events(con, "clicks")
    con.execute(
        "CREATE TABLE orders AS SELECT range AS user_id, current_date AS event_time, 'buy' AS event_type FROM range(3)"
    )
    sqlscore.map_events(con, "orders", name="orders")
    yield con
    con.close()


def columns_of(con: duckdb.DuckDBPyConnection, macro: str) -> list[str]:
    """The columns that a table macro returns with its defaults; tables that it must be given are the scored users."""
    parameters = con.execute(
        "SELECT parameters FROM duckdb_functions() WHERE schema_name = 'sqlscore' AND function_name = ?", [macro]
    ).fetchone()
    assert parameters is not None
    required = [REQUIRED[name] for name in parameters[0] if name in REQUIRED and (macro, name) not in OPTIONAL]
    return [row[0] for row in con.execute(f"DESCRIBE FROM sqlscore.{macro}({', '.join(required)})").fetchall()]


REQUIRED = {
    "action": "'view'",
    "actual": "'sqlscore.events'",
    "binned": "binned",
    "bins": "drift_bins",
    "current": "scores_then",
    "labels": "labels_then",
    "model": "'m@1'",
    "query": "'SELECT 1'",
    "model_a": "'m@1'",
    "model_b": "'m@2'",
    "of_user": "0",
    "reference": "scores_then",
    "scored": "scores_then",
    "scores": "scores_then",
    "steps": "['view', 'buy']",
}
"""Arguments for parameters that have no default."""
OPTIONAL = {("calibration_bins", "bins"), ("lift_table", "bins"), ("rfm", "action")}


def test_the_tuple_of_files_equals_the_files_on_disk() -> None:
    """A file that nobody lists would never be installed; dbt installs its own."""
    on_disk = {path.relative_to(SQL).as_posix() for path in SQL.rglob("*.sql")}
    tables = {f"tables/{name}.sql" for name in (*REGISTRY_TABLES, *MAPPING_TABLES)}
    assert {*FILES} | tables == {name for name in on_disk if not name.startswith(("dbt/", "in_groups/"))}
    assert {name.partition("/")[2] for name in on_disk if name.startswith("in_groups/")} == {
        f"{item.name}.sql" for item in objects() if item.in_groups is not None
    }
    assert len(set(FILES)) == len(FILES)


def test_each_file_creates_the_one_object_that_it_is_named_after(con: duckdb.DuckDBPyConnection) -> None:
    """`sql/SUBJECT/NAME.sql` is where to look for the view NAME."""
    for item in [*objects(), *map(table, (*REGISTRY_TABLES, *MAPPING_TABLES))]:
        creates = [s.query for s in con.extract_statements(item.text) if s.type == duckdb.StatementType.CREATE]
        assert len(creates) == 1, item.name
        created = rf"^(--.*\n)*CREATE (OR REPLACE )?{item.kind.upper()} (IF NOT EXISTS )?sqlscore\.{item.name}\b"
        assert re.match(created, creates[0]), item.name


def test_every_view_and_every_column_has_a_comment(con: duckdb.DuckDBPyConnection) -> None:
    """The comments are what a BI tool shows."""
    views = {item.name for item in objects() if item.kind == "view"}
    described = con.execute(
        "SELECT view_name FROM duckdb_views() WHERE schema_name = 'sqlscore' AND comment IS NOT NULL"
    ).fetchall()
    assert views <= {row[0] for row in described}
    bare = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'sqlscore' AND comment IS NULL"
    ).fetchall()
    assert [row for row in bare if row[0] in views] == []


@pytest.mark.parametrize("name", [*REGISTRY_TABLES, *MAPPING_TABLES])
def test_every_table_and_every_column_of_it_has_a_comment(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """In the order in which the table has its columns: by that the leaderboard is known again."""
    con.execute(table(name).text)
    described = con.execute(
        "SELECT comment FROM duckdb_tables() WHERE schema_name = 'sqlscore' AND table_name = ?", [name]
    ).fetchall()
    assert [bool(comment) for (comment,) in described] == [True]
    assert table(name).commented_columns == tuple(con.sql(f"FROM sqlscore.{name}").columns)


def test_the_comment_of_a_macro_names_its_parameters_and_columns(con: duckdb.DuckDBPyConnection) -> None:
    """A macro's columns have no comments of their own."""
    rows = con.execute(
        """SELECT function_name, comment, parameters, function_type FROM duckdb_functions()
        WHERE schema_name = 'sqlscore'"""
    ).fetchall()
    assert {row[0] for row in rows} == {item.name for item in objects() if item.kind == "macro"}
    for macro, comment, parameters, kind in rows:
        columns = columns_of(con, macro) if kind == "table_macro" else []
        for name in [*columns, *parameters]:
            assert re.search(rf"\b{name}\b", comment), f"{macro}: {name}"


def test_a_second_mapping_has_the_same_objects_in_its_own_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Reading one mapping's views must never reach the other's events."""
    for kind, listing, name in (
        ("view", "duckdb_views()", "view_name"),
        ("macro", "duckdb_functions()", "function_name"),
    ):
        found = con.execute(f"SELECT {name} FROM {listing} WHERE schema_name = 'sqlscore_orders'").fetchall()
        assert {item.name for item in objects() if item.kind == kind} <= {row[0] for row in found}
    definitions = con.execute("SELECT sql FROM duckdb_views() WHERE schema_name = 'sqlscore_orders'").fetchall()
    texts = [retarget(item.text, "sqlscore_orders", "orders_") for item in objects()]
    for text in [row[0] for row in definitions] + texts:
        assert "sqlscore." not in text.replace("sqlscore.models", "").replace("sqlscore.aliases", "")


def test_a_second_mapping_reads_its_own_events_and_calls_its_own_functions(con: duckdb.DuckDBPyConnection) -> None:
    """Macros that call macros included."""
    assert con.execute("SELECT count(*) FROM sqlscore.sessions").fetchone() == (1,)
    assert con.execute("SELECT count(*) FROM sqlscore_orders.sessions_with(gap := '1 hour')").fetchone() == (3,)
    assert con.execute("SELECT action FROM sqlscore_orders.feature_usage").fetchall() == [("buy",)]
    view = "SELECT sql FROM duckdb_views() WHERE schema_name = 'sqlscore_orders' AND view_name = 'live_scored_users'"
    definition = con.execute(view).fetchone()
    assert definition is not None
    assert "orders_list_score_events(" in definition[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM sqlscore.events AS e", 'FROM "sqlscore_b".events AS e'),
        ('FROM SQLSCORE."events"', 'FROM "sqlscore_b"."events"'),
        (
            "SELECT 'é' FROM sqlscore.events -- sqlscore.events",
            "SELECT 'é' FROM \"sqlscore_b\".events -- sqlscore.events",
        ),
        ("FROM sqlscore.models, sqlscore.aliases", "FROM sqlscore.models, sqlscore.aliases"),
        ("SELECT t.sqlscore, sqlscore FROM t", "SELECT t.sqlscore, sqlscore FROM t"),
        ("SELECT score_events(e), list_score_events(l)", 'SELECT "b_score_events"(e), "b_list_score_events"(l)'),
        ("SELECT u.churn_risk, churn_risk FROM u", "SELECT u.churn_risk, churn_risk FROM u"),
        ("f(t := 'sqlscore.scored_users')", "f(t := '\"sqlscore_b\".scored_users')"),
        ("SELECT 'sqlscore.models', 'read sqlscore.events'", "SELECT 'sqlscore.models', 'read sqlscore.events'"),
    ],
)
def test_retargeting_changes_qualifiers_and_scoring_functions_only(text: str, expected: str) -> None:
    """A blind replacement would rename a user's columns and texts too."""
    assert retarget(text, "sqlscore_b", "b_") == expected


def test_retargeting_quotes_the_schema() -> None:
    """A mapping may be named after anything."""
    assert retarget("FROM sqlscore.events", 'a"b', "") == 'FROM "a""b".events'
