"""Published tables as BI tools meet them: through JDBC, SQLAlchemy and ADBC, by their catalog queries."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy
from postgres_server import PASSWORD, Postgres

import sqlscore
from sqlscore.events.mapping import DEFAULT_MAPPING

SCHEMA = "sqlscore"
DRIVER = Path("/usr/share/java/postgresql.jar")
DASHBOARD = sorted((Path(__file__).parents[2] / "docs" / "bi").glob("*.sql"))


@pytest.fixture(scope="module")
def published(postgres: Postgres) -> Iterator[duckdb.DuckDBPyConnection]:
    """A shop of 300 users in which failed payments precede churn, published as `publish` does by default."""
    from tiny_model import tiny_artifact

    from sqlscore.database.registry import register

    con = sqlscore.connect()
    con.execute(
        """CREATE TABLE clicks AS
           WITH days AS (SELECT u.range AS user_id, d.range AS day FROM range(300) u, range(180) d)
           SELECT user_id, TIMESTAMP '2024-01-01' + to_days(day) + to_hours(user_id % 9) AS event_time,
                  CASE WHEN user_id % 3 = 0 AND day >= 130 THEN 'payment_failed'
                       WHEN day % 4 = 1 THEN 'buy' ELSE 'view' END AS event_type
           FROM days WHERE (day + user_id) % 11 = 0 AND (user_id % 3 > 0 OR user_id % 12 = 0 OR day < 146)"""
    )
    sqlscore.map_events(con, "clicks")
    artifact = tiny_artifact(("view", "buy", "payment_failed"))
    register(con, artifact, name="tiny", mapping=DEFAULT_MAPPING, champion=True, verb="train")
    sqlscore.refresh(con)
    os.environ["PGPASSWORD"] = PASSWORD
    try:
        sqlscore.publish(con, postgres.url)
        yield con
    finally:
        del os.environ["PGPASSWORD"]
        con.close()


@pytest.fixture
def here(published: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """What every reader should read."""
    query = "SELECT user_id, next_action, churn_risk, as_of FROM sqlscore.scored_users ORDER BY user_id"
    return published.execute(query).fetchall()


def test_sqlalchemy_reflects_and_reads_the_tables(published, postgres, here):
    """Superset and most of Python look through its inspector: types, key and comments have to be there."""
    address = sqlalchemy.URL.create("postgresql+psycopg", "postgres", PASSWORD, "127.0.0.1", postgres.port, "postgres")
    engine = sqlalchemy.create_engine(address)
    inspector = sqlalchemy.inspect(engine)
    assert {"scored_users", "segment_summary", "publications"} <= set(inspector.get_table_names(schema=SCHEMA))
    columns = {column["name"]: column for column in inspector.get_columns("scored_users", schema=SCHEMA)}
    kinds = {name: str(columns[name]["type"]) for name in ("user_id", "churn_risk", "next_actions", "as_of")}
    assert kinds == {"user_id": "BIGINT", "churn_risk": "REAL", "next_actions": "JSONB", "as_of": "TIMESTAMP"}
    assert "horizon" in (columns["churn_risk"]["comment"] or "")
    assert inspector.get_pk_constraint("scored_users", schema=SCHEMA)["constrained_columns"] == ["user_id"]
    assert inspector.get_table_comment("scored_users", schema=SCHEMA)["text"].startswith("One row per user")
    table = sqlalchemy.Table("scored_users", sqlalchemy.MetaData(), schema=SCHEMA, autoload_with=engine)
    chosen = sqlalchemy.select(*(table.c[name] for name in ("user_id", "next_action", "churn_risk", "as_of")))
    with engine.connect() as connection:
        rows = connection.execute(chosen.order_by(table.c.user_id)).fetchall()
    engine.dispose()
    assert [(row[0], row[1], pytest.approx(row[2], rel=1e-6), row[3]) for row in rows] == here


def test_adbc_reads_columns_and_catalog(published, postgres, here):
    """The way for everything that speaks Arrow."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(postgres.socket_url) as connection, connection.cursor() as cursor:
        found = connection.adbc_get_objects(depth="tables", db_schema_filter=SCHEMA, catalog_filter="postgres")
        catalog = found.read_all().to_pylist()[0]["catalog_db_schemas"][0]["db_schema_tables"]
        cursor.execute("SELECT user_id, next_action, churn_risk, as_of FROM sqlscore.scored_users ORDER BY user_id")
        table = cursor.fetch_arrow_table()
    assert "scored_users" in {entry["table_name"] for entry in catalog}
    assert [tuple(row.values()) for row in table.to_pylist()] == here


def test_jdbc_reads_columns_and_catalog(published, postgres, here):
    """Metabase, DBeaver, Tableau and the like: DatabaseMetaData's queries, then a prepared statement."""
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None or not DRIVER.exists():
        if os.environ.get("SQLSCORE_JDBC") == "required":
            pytest.fail(f"there is no java, no javac, or no {DRIVER}")
        pytest.skip(f"needs a JDK and {DRIVER} (Debian: default-jdk-headless, libpostgresql-jdbc-java)")
    probe = Path(__file__).parent / "jdbc" / "Probe.java"
    address = f"jdbc:postgresql://127.0.0.1:{postgres.port}/postgres"
    command = [java, "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-cp", str(DRIVER), str(probe), address]
    result = subprocess.run([*command, "postgres", SCHEMA], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    tables = {line[1]: line[2:] for line in lines if line[0] == "table"}
    columns = {line[1]: line[2:] for line in lines if line[0] == "column"}
    assert tables["scored_users"][0] == "TABLE"
    assert tables["scored_users"][1].startswith("One row per user")
    assert columns["user_id"][:2] == ["BIGINT", "int8"]
    assert columns["churn_risk"][:2] == ["REAL", "float4"]
    assert columns["as_of"][:2] == ["TIMESTAMP", "timestamp"]
    assert columns["next_action_1_probability"][2] == "Taken from a nested column, for charts."
    assert [line[1:] for line in lines if line[0] == "key"] == [["user_id"]]
    read = [line[1:4] for line in lines if line[0] == "row"]
    rows: list[object] = [(int(user), action, float(risk)) for user, action, risk in read]
    assert rows == [(user, action, pytest.approx(risk, rel=1e-6)) for user, action, risk, _ in here]


@pytest.mark.parametrize("file", DASHBOARD, ids=lambda file: file.stem)
def test_every_chart_of_the_dashboard_has_rows(published, postgres, file):
    """The documented SQL runs on the published tables, and shows something."""
    query = file.read_text(encoding="utf-8")
    assert query.startswith("-- ")
    assert postgres.rows(query), file.name


def test_the_dashboard_says_what_was_planted(published, postgres):
    """Failed payments were planted before churn; charts that do not show it would be decoration."""
    charts = {file.stem: postgres.rows(file.read_text(encoding="utf-8")) for file in DASHBOARD}
    assert charts["top_drivers"][0][:2] == ("payment_failed", "churn")
    assert sum(row[1] for row in charts["next_action_mix"]) == pytest.approx(300, rel=1e-4)
    assert sum(row[2] for row in charts["segments"]) == 300
    assert len(charts["risk_over_time"]) > 30
