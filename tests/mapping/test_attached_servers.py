"""PostgreSQL and SQLite as sources, where the engine's extensions can be had: types, zones, passwords, changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from postgres_server import PASSWORD, Postgres
from same_scores import assert_equal_to_full
from small_shop import gru_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, SourceError, SourceWarning


def _has(extension: str) -> bool:
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as con:
        try:
            con.execute(f"LOAD {extension}")
        except duckdb.Error:
            return False
    return True


needs_postgres = pytest.mark.skipif(not _has("postgres"), reason="DuckDB's extension postgres is not on this machine")
needs_sqlite = pytest.mark.skipif(not _has("sqlite"), reason="DuckDB's extension sqlite is not on this machine")

EVENTS = """CREATE TABLE shop.clicks AS SELECT md5((i % 5)::text)::uuid AS user_id,
    timestamptz '2024-01-01 00:00+00' + i * interval '17 min' AS event_time, (ARRAY['view', 'cart', 'buy'])[1 + i % 3]
    AS event_type, (i * 0.5)::numeric(10, 2) AS price, jsonb_build_object('n', i) AS details, i / 2.0 AS score
    FROM generate_series(0, 59) i"""


@pytest.fixture
def server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    postgres.run("CREATE SCHEMA shop", EVENTS)
    yield postgres
    postgres.run("DROP SCHEMA shop CASCADE")


def where(server: Postgres) -> dict[str, str]:
    return {"pg": f"postgres:host=127.0.0.1 port={server.port} user=postgres dbname=postgres"}


def score(con: duckdb.DuckDBPyConnection) -> None:
    register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    con.execute("DELETE FROM sqlscore.guards")
    sqlscore.refresh(con)


@needs_postgres
def test_a_table_of_postgres_is_scored_and_its_changes_are(server: Postgres, tmp_path: Path) -> None:
    path = tmp_path / "db.duckdb"
    with sqlscore.connect(path) as con:
        con.execute("SET TimeZone = 'Asia/Tokyo'")
        report = sqlscore.map_events(con, "pg.shop.clicks", attach=where(server), features=["price", "score"])
        assert [(f.name, f.kind) for f in report.mapping.features] == [("price", "numeric"), ("score", "numeric")]
        assert str(report.profile.high_water) == "2024-01-01 16:43:00"
        score(con)
    with sqlscore.connect(path) as con:
        server.run("INSERT INTO shop.clicks SELECT user_id, '2024-02-01 00:00+02', 'buy' FROM shop.clicks LIMIT 1")
        assert sqlscore.refresh(con).kind == "incremental"
        assert_equal_to_full(con)
        server.run("UPDATE shop.clicks SET price = 7 WHERE price = 3")
        assert sqlscore.refresh(con).kind == "incremental"
        assert_equal_to_full(con)
    assert PASSWORD.encode() not in path.read_bytes()


@needs_postgres
def test_a_changed_table_of_postgres_is_noticed_while_it_is_attached(server: Postgres, tmp_path: Path) -> None:
    """The extension keeps the columns as they were, and would read the bytes of one type as another's."""
    with sqlscore.connect(tmp_path / "db.duckdb") as con:
        sqlscore.map_events(con, "pg.shop.clicks", attach=where(server), features=["price"])
        score(con)
        server.run("ALTER TABLE shop.clicks ALTER price TYPE bigint")
        assert "types of the mapped columns changed" in (sqlscore.refresh(con).reason or "")
        server.run("ALTER TABLE shop.clicks ALTER event_time TYPE text")
        with pytest.raises(EventsError, match="event_time.*expected TIMESTAMP"):
            sqlscore.refresh(con)
        assert not sqlscore.status(con).mappings[0].readable


@needs_postgres
def test_a_server_that_does_not_answer_is_said(
    server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db.duckdb"
    with sqlscore.connect(path) as con:
        sqlscore.map_events(con, "pg.shop.clicks", attach=where(server), features=["price"])
        score(con)
    monkeypatch.setenv("PGPASSWORD", "not the one")
    with pytest.warns(SourceWarning, match=r"pg \(postgres: host=127.0.0.1.*cannot be read.*PGPASSWORD"):
        con = sqlscore.connect(path)
    with con, pytest.raises(SourceError, match="the password is taken from PGPASSWORD"):
        sqlscore.refresh(con)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with sqlscore.connect(path) as con:
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                   "AND pid <> pg_backend_pid()")  # fmt: skip
        assert sqlscore.refresh(con, full=True).tables["scored_users"] == 5


@needs_postgres
def test_a_named_secret_gives_the_password(
    server: Postgres, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    con.execute("LOAD postgres")
    con.execute(f"CREATE SECRET mine (TYPE postgres, PASSWORD '{PASSWORD}')")
    attach = {"pg": f"{where(server)['pg']} duckdb_secret=mine"}
    assert sqlscore.map_events(con, "pg.shop.clicks", attach=attach).mapping.attached[0].secret == "mine"


@needs_sqlite
def test_a_table_of_sqlite_is_read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "app.db"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE clicks (user_id INTEGER, event_time INTEGER, event_type TEXT, price REAL)")
        rows = [(i % 5, 1704067200 + 1020 * i, ("view", "cart", "buy")[i % 3], i * 0.5) for i in range(60)]
        db.executemany("INSERT INTO clicks VALUES (?, ?, ?, ?)", rows)
    db.close()
    report = sqlscore.map_events(con, "app.clicks", attach={"app": str(file)}, features=["price"])
    assert (report.mapping.time_unit, report.profile.n_events) == ("s", 60)
    score(con)
    with sqlite3.connect(file) as db:
        db.execute("INSERT INTO clicks VALUES (2, 1706067200, 'buy', 9)")
    db.close()
    assert sqlscore.refresh(con).kind == "incremental"
    assert_equal_to_full(con)
    file.unlink()
    with pytest.raises(SourceError, match="is not there"):
        sqlscore.refresh(con)
