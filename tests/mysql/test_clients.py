"""Clients that people have: SQLAlchemy's reflection, MariaDB's command line, and MariaDB's JDBC driver."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from mysql_client import HOST, PASSWORD, Server, serving

import sqlscore

DRIVER = Path("/usr/share/java/mariadb-java-client.jar")
KINDS = """
    CREATE TABLE kinds (
        id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, price DECIMAL(8, 2), score DOUBLE, born DATE, seen TIMESTAMP
    )
"""
ROWS = """
    INSERT INTO kinds VALUES
        (1, 'it''s', 1.50, 0.1, '2024-02-03', '2024-02-03 04:05:06.5'), (2, 'ü', NULL, -2, NULL, '2024-03-01')
"""


def require(found: object, what: str) -> None:
    """Skip where a client is missing, unless the environment says that it is there."""
    if not found and os.environ.get("SQLSCORE_MARIADB") == "required":
        pytest.fail(f"{what} is required here, and it is missing")
    if not found:
        pytest.skip(f"no {what}")


@pytest.fixture(scope="module")
def server(shop_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shop with scores, and a table that has a key, comments and a view."""
    path = Path(shutil.copy(shop_file, tmp_path_factory.mktemp("clients") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        sqlscore.refresh(con)
        con.execute(KINDS)
        con.execute(ROWS)
        con.execute("COMMENT ON TABLE kinds IS 'What it''s about'")
        con.execute("COMMENT ON COLUMN kinds.name IS 'A `name`'")
        con.execute("CREATE VIEW names AS SELECT id, name FROM kinds")
    with serving(path) as running:
        yield running


def test_sqlalchemy_reflects_and_reads_the_tables(server: Server):
    """Superset and most of Python look through its inspector: types, key, comments, views, schemas."""
    address = sqlalchemy.URL.create("mysql+pymysql", "somebody", PASSWORD, HOST, server.port, "main")
    engine = sqlalchemy.create_engine(address)
    inspector = sqlalchemy.inspect(engine)
    assert set(inspector.get_table_names()) == {"clicks", "kinds"}
    assert inspector.get_view_names() == ["names"]
    assert {"main", "sqlscore"} <= set(inspector.get_schema_names())
    assert "scored_users" in inspector.get_table_names(schema="sqlscore") + inspector.get_view_names(schema="sqlscore")
    columns = {column["name"]: column for column in inspector.get_columns("kinds")}
    assert {name: str(column["type"]).split(" ")[0] for name, column in columns.items()} == {
        "id": "INTEGER", "name": "LONGTEXT", "price": "DECIMAL(8,", "score": "DOUBLE", "born": "DATE",
        "seen": "DATETIME",
    }  # fmt: skip
    assert [columns[name]["nullable"] for name in ("name", "price")] == [False, True]
    assert columns["name"]["comment"] == "A `name`"
    assert inspector.get_pk_constraint("kinds")["constrained_columns"] == ["id"]
    assert inspector.get_table_comment("kinds")["text"] == "What it's about"
    assert [column["name"] for column in inspector.get_columns("names")] == ["id", "name"]
    assert (inspector.has_table("kinds"), inspector.has_table("nowhere")) == (True, False)
    kinds = sqlalchemy.Table("kinds", sqlalchemy.MetaData(), autoload_with=engine)
    users = sqlalchemy.Table("scored_users", sqlalchemy.MetaData(), schema="sqlscore", autoload_with=engine)
    with engine.connect() as con:
        found = con.execute(sqlalchemy.select(kinds.c.name).where(kinds.c.id == sqlalchemy.bindparam("id")), {"id": 2})
        assert found.fetchall() == [("ü",)]
        assert con.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(users)).scalar() == 40
    engine.dispose()


def test_the_mariadb_client_reads_and_lists(server: Server):
    """Its table form, its lists of tables and columns, its codes of errors; `USE` and completion too."""
    program = shutil.which("mariadb")
    require(program, "client mariadb")
    assert program is not None

    def run(sql: str, *options: str) -> subprocess.CompletedProcess[str]:
        connection = [
            "--no-defaults",
            "-h",
            HOST,
            "-P",
            str(server.port),
            "-u",
            "somebody",
            "--default-character-set=utf8mb4",
        ]
        return subprocess.run(
            [program, *connection, *options], input=sql, text=True, capture_output=True, timeout=120, check=False,
            env={**os.environ, "MYSQL_PWD": PASSWORD},
        )  # fmt: skip

    done = run("SELECT id, name, price FROM kinds ORDER BY id;", "--table", "main")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line]
    assert cells == [["id", "name", "price"], ["1", "it's", "1.50"], ["2", "ü", "NULL"]], done.stderr
    listed = run("USE main; SHOW TABLES; DESCRIBE names; SELECT DATABASE(); STATUS;", "--auto-rehash")
    assert listed.returncode == 0, listed.stderr
    for line in ("Tables_in_main", "clicks\nkinds\nnames", "id\tint", "main", "Server version:"):
        assert line in listed.stdout
    scores = "SELECT `client id`, predict_next_action(e) FROM clicks e GROUP BY 1 ORDER BY 1 LIMIT 1, 2"
    table = run(scores, "-N", "main").stdout
    assert table == "".join(f"{user}\t{action}\n" for user, action in server.ask(scores, database="main"))
    failed = run("SELECT 1; SELECT * FROM nowhere; SELECT 2;", "-N", "main")
    assert (failed.returncode, failed.stdout) == (1, "1\n")
    assert "ERROR 1146 (42S02) at line 1: there is no table" in failed.stderr


def test_jdbc_reads_catalog_values_and_errors(server: Server, tmp_path: Path):
    """MariaDB's driver, with the values in the text and bound to prepared statements: the same rows."""
    compiler = shutil.which("javac")
    require(compiler and DRIVER.exists(), "Java with libmariadb-java")
    assert compiler is not None
    source = Path(__file__).parent / "jdbc" / "Probe.java"
    subprocess.run([compiler, "-d", str(tmp_path), str(source)], check=True, timeout=300)
    java = ["java", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8"]
    done = subprocess.run(
        [*java, "-cp", f"{tmp_path}:{DRIVER}", "Probe", f"jdbc:mariadb://{HOST}:{server.port}/main"],
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, "PASSWORD": PASSWORD},
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    half = len(lines) // 2
    assert lines[:half] == lines[half:]  # of both protocols
    given = "it's \\ \" ?"
    actions = dict(server.ask("SELECT `client id`, predict_next_action(e) FROM clicks e GROUP BY 1"))
    assert lines[:half] == [
        ("table", "clicks", "TABLE", ""), ("table", "kinds", "TABLE", "What it's about"),
        ("table", "names", "VIEW", "VIEW"),
        ("column", "id", "INTEGER", "NO", ""), ("column", "name", "LONGVARCHAR", "NO", "A `name`"),
        ("column", "price", "DECIMAL", "YES", ""), ("column", "score", "DOUBLE", "YES", ""),
        ("column", "born", "DATE", "YES", ""), ("column", "seen", "TIMESTAMP", "YES", ""), ("key", "id"),
        ("row", "1", "it's", "1.50", "0.1", "2024-02-03", "2024-02-03 04:05:06.5", given),
        ("row", "2", "ü", "null", "-2.0", "null", "2024-03-01 00:00:00.0", given),
        ("score", "1", actions[1]), ("score", "2", actions[2]),
        ("error", "1146", "42S02"), ("ended", "SQLTimeoutException"), ("after", "1"),
    ]  # fmt: skip
