"""Events that are in another database: a DuckDB file, or what is attached by every verb and every connection."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest
from same_scores import SESSIONS, USERS, assert_equal_to_full
from small_shop import gru_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import EventsError, MappingError, SourceError, SourceWarning
from sqlscore.events.attached import attached_of
from sqlscore.events.mapping import Mapping

EVENTS = """CREATE OR REPLACE TABLE clicks AS SELECT i % 5 AS user_id, TIMESTAMPTZ '2024-01-01 00:00+00' +
    to_minutes(17 * i) AS event_time, ['view', 'cart', 'buy'][1 + i * 7 // 3 % 3] AS event_type, i * 0.5 AS price
    FROM range(60) t(i); CREATE OR REPLACE VIEW bought AS FROM clicks WHERE price > 3"""


def change(file: Path, *statements: str) -> Path:
    """Run statements in a file that is closed again: as another process would."""
    with duckdb.connect(file) as other:
        for statement in statements:
            other.execute(statement)
    return file


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return change(tmp_path / "it's other.duckdb", EVENTS)


def scored(con: duckdb.DuckDBPyConnection) -> list[object]:
    register(con, gru_artifact(), name="m", mapping="events", champion=True, verb="train")
    con.execute("DELETE FROM sqlscore.guards")
    sqlscore.refresh(con)
    return [con.execute(query).fetchall() for query in (USERS, SESSIONS)]


def test_a_duckdb_file_is_read_like_a_table_and_is_free_in_between(
    con: duckdb.DuckDBPyConnection, in_memory: duckdb.DuckDBPyConnection, other: Path
) -> None:
    """Another process writes to it while the database is open; what it wrote is what an incremental refresh scores."""
    in_memory.execute(EVENTS)
    sqlscore.map_events(in_memory, "clicks", features=["price"])
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    report = sqlscore.map_events(con, str(other), features=["price"], append_only=True)
    assert report.profile.n_events == 60
    assert scored(con) == scored(in_memory)
    change(other, "INSERT INTO clicks VALUES (2, TIMESTAMPTZ '2024-01-05 00:00+00', 'buy', 9)")
    assert sqlscore.refresh(con).kind == "incremental"
    assert_equal_to_full(con)
    change(other, "UPDATE clicks SET price = 100 WHERE user_id = 1 AND price < 2")
    assert sqlscore.refresh(con).kind == "incremental"
    assert_equal_to_full(con)


def test_a_table_of_several_is_chosen(con: duckdb.DuckDBPyConnection, other: Path) -> None:
    change(
        other,
        "CREATE SCHEMA s",
        "CREATE TABLE s.clicks AS FROM clicks LIMIT 7",
        'CREATE TABLE "odd \'n" AS FROM clicks',
    )
    with pytest.raises(MappingError, match=r"several tables \(main\.clicks, main\.odd 'n, s\.clicks\).*--table"):
        sqlscore.map_events(con, str(other))
    with pytest.raises(MappingError, match=r'no table "bought".*--attach other='):
        sqlscore.map_events(con, str(other), table_name="bought")
    assert sqlscore.map_events(con, str(other), table_name="S.Clicks").profile.n_events == 7
    assert sqlscore.map_events(con, str(other), table_name="odd 'n", name="odd").profile.n_events == 60
    with pytest.raises(MappingError, match=r"is not a DuckDB file.*leave it out"):
        sqlscore.map_events(con, "clicks", table_name="clicks")
    attached = {"o": str(other)}
    assert sqlscore.map_events(con, "o.s.clicks", attach=attached, force=True).profile.n_events == 7
    assert not [
        name for (name,) in con.execute("SELECT database_name FROM duckdb_databases()").fetchall() if "o_" in name
    ]


def test_the_database_itself_is_no_file_of_events(con: duckdb.DuckDBPyConnection) -> None:
    path = con.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()").fetchall()[0][0]
    with pytest.raises(MappingError, match="is the database itself"):
        sqlscore.map_events(con, path)


@pytest.fixture
def reading(tmp_path: Path, other: Path, empty_file: Path) -> Path:
    """A database whose events are a view in another file, scored."""
    path = tmp_path / "reading.duckdb"
    path.write_bytes(empty_file.read_bytes())
    with sqlscore.connect(path) as con:
        report = sqlscore.map_events(con, "shop.bought", attach={"shop": str(other)}, features=["price"])
        assert report.mapping.attached[0].target == str(other)
        scored(con)
    return path


def test_an_attached_view_is_there_for_every_connection_and_verb(reading: Path) -> None:
    """On a cursor, after somebody detached it, and where the file is opened for reading only."""
    count = "SELECT count(*) FROM sqlscore.events"
    with sqlscore.connect(reading, read_only=True) as con:
        assert con.execute(count).fetchall() == con.cursor().execute(count).fetchall() == [(53,)]
        assert sqlscore.status(con).mappings[0].n_events == 53
    with sqlscore.connect(reading) as con:
        attached = sqlscore.status(con).mappings[0].attached[0]
        con.execute(f"DETACH {attached.alias}")
        assert sqlscore.refresh(con, full=True).tables["scored_users"] == 5
        con.execute(f"DETACH {attached.alias}")
        assert sqlscore.map_events(con, "shop.bought", features=["price"]).unchanged
        sqlscore.score_history(con, into="history")
        assert con.execute("SELECT count(*) FROM history").fetchall() == [(53,)]
        sqlscore.unmap(con)
        names = [name for (name,) in con.execute("SELECT database_name FROM duckdb_databases()").fetchall()]
        assert attached.alias not in names


def test_only_its_reader_and_nobody_writes_through_it(reading: Path) -> None:
    with sqlscore.connect(reading) as con:
        alias = sqlscore.status(con).mappings[0].attached[0].alias
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute(f"DELETE FROM {alias}.clicks")


def test_what_is_gone_is_said_once_and_the_rest_works(reading: Path, other: Path) -> None:
    other.rename(other.with_name("elsewhere.duckdb"))
    with pytest.warns(SourceWarning, match="shop .* is not there"):
        con = sqlscore.connect(reading)
    with con:
        state = sqlscore.status(con)
        assert (state.mappings[0].readable, state.mappings[0].scored_users) == (False, 5)
        assert "is not there: put the file back" in state.problems[0].what
        with pytest.raises(SourceError, match="is not there: put the file back"):
            sqlscore.refresh(con)
        assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(5,)]
        sqlscore.publish(con, other.with_name("published.duckdb"), tables=["scored_users"])
        other.with_name("elsewhere.duckdb").rename(other)
        assert sqlscore.refresh(con).tables["scored_users"] == 5
        other.unlink()
        sqlscore.unmap(con)


def test_a_file_that_was_put_in_its_place_is_read(reading: Path, other: Path, tmp_path: Path) -> None:
    """A nightly load replaces the file while the process that reads it runs on."""
    with sqlscore.connect(reading) as con:
        new = change(
            tmp_path / "new.duckdb", EVENTS, "INSERT INTO clicks VALUES (9, TIMESTAMPTZ '2024-02-01', 'buy', 9)"
        )
        new.replace(other)
        assert sqlscore.refresh(con).tables["scored_users"] == 6


def test_a_changed_type_is_noticed(con: duckdb.DuckDBPyConnection, other: Path) -> None:
    sqlscore.map_events(con, str(other), features=["price"])
    scored(con)
    change(other, "ALTER TABLE clicks ALTER price TYPE INTEGER", "DROP VIEW bought")
    assert "types of the mapped columns changed" in (sqlscore.refresh(con).reason or "")
    change(other, "ALTER TABLE clicks ALTER user_id TYPE DOUBLE")
    with pytest.raises(EventsError, match="user_id.*DOUBLE"):
        sqlscore.refresh(con)
    other.unlink()
    with pytest.raises(SourceError, match="is not there"):
        sqlscore.train(con)
    assert sqlscore.status(con).problems[0].what.startswith('the events of "events" cannot be read')


def test_one_name_may_mean_two_databases(con: duckdb.DuckDBPyConnection, other: Path, tmp_path: Path) -> None:
    more = change(tmp_path / "more.duckdb", EVENTS, "DELETE FROM clicks WHERE price > 10")
    sqlscore.map_events(con, "x.bought", attach={"x": str(other)}, name="first")
    sqlscore.map_events(con, "X.main.Bought", attach={"x": f"duckdb:{more}"}, name="second")
    counts = "SELECT (SELECT count(*) FROM sqlscore_first.events), (SELECT count(*) FROM sqlscore_second.events)"
    assert con.execute(counts).fetchall() == [(53, 14)]
    con.execute("CREATE SCHEMA taken")
    with pytest.raises(MappingError, match='schema of this file is called "taken"'):
        sqlscore.map_events(con, "taken.bought", attach={"taken": str(other)}, name="third")
    with pytest.raises(MappingError, match=r"has no table \"x\.nothing\" \(tables and views there: x\.main\.bought"):
        sqlscore.map_events(con, "x.nothing", attach={"x": str(other)}, name="third")


def test_a_view_of_the_users_over_an_attached_table_stays_readable(reading: Path, other: Path) -> None:
    with sqlscore.connect(reading) as con:
        alias = sqlscore.status(con).mappings[0].attached[0].alias
        con.execute(f"CREATE VIEW mine AS SELECT * FROM {alias}.main.bought")
        sqlscore.map_events(con, "mine", features=["price"], force=True)
    with sqlscore.connect(reading) as con:
        assert con.execute("SELECT count(*) FROM sqlscore.events").fetchall() == [(53,)]


def test_a_file_that_this_process_has_open_is_said(reading: Path, other: Path) -> None:
    with duckdb.connect(other), pytest.warns(SourceWarning, match="has it open already: close that connection"):
        sqlscore.connect(reading).close()


PASSWORDS = [
    "postgres:dbname=shop password=geheim42",
    "postgres:dbname=shop password = 'geheim42 x'",
    "postgres:dbname=shop sslpassword=geheim42",
    "postgresql://me:geheim42@db/shop",
    "postgres://me@db/shop?password=geheim42",
    "ducklake:postgres:dbname=lake password=geheim42",
    "mysql:password=geheim42",
]


@pytest.mark.parametrize("where", PASSWORDS)
def test_a_password_is_neither_kept_nor_shown(con: duckdb.DuckDBPyConnection, where: str) -> None:
    with pytest.raises(MappingError) as raised:
        sqlscore.map_events(con, "pg.clicks", attach={"pg": where})
    assert "geheim42" not in str(raised.value)
    assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE message LIKE '%geheim%'").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("name", "where", "statement"),
    [
        (
            "Pg",
            "postgres:dbname=shop host=db",
            "'dbname=shop host=db connect_timeout=10' AS {} (TYPE postgres, READ_ONLY)",
        ),
        (
            "p",
            "postgresql://me@db/shop",
            "'postgresql://me@db/shop?connect_timeout=10' AS {} (TYPE postgres, READ_ONLY)",
        ),
        ("p", "postgres:", "'connect_timeout=10' AS {} (TYPE postgres, READ_ONLY)"),
        ("p", "postgres:connect_timeout=3", "'connect_timeout=3' AS {} (TYPE postgres, READ_ONLY)"),
        (
            "p",
            "postgres:duckdb_secret=mine dbname=shop",
            "'dbname=shop connect_timeout=10' AS {} (TYPE postgres, READ_ONLY, SECRET \"mine\")",
        ),
        ("s", "sqlite:/a/it's.db", "'/a/it''s.db' AS {} (TYPE sqlite, READ_ONLY)"),
        ("s", "/a/old.sqlite3", "'/a/old.sqlite3' AS {} (TYPE sqlite, READ_ONLY)"),
        ("l", "ducklake:/a/lake", "'ducklake:/a/lake' AS {} (READ_ONLY)"),
        ("l", "ducklake:postgres:dbname=lake", "'ducklake:postgres:dbname=lake' AS {} (READ_ONLY)"),
        ("d", "/a/b.duckdb", "'/a/b.duckdb' AS {} (TYPE duckdb, READ_ONLY)"),
    ],
)
def test_what_is_said_of_a_database_becomes_a_statement(
    name: str, where: str, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And survives being stored."""
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    found = attached_of(name, where)
    assert found.statement == f"ATTACH IF NOT EXISTS {statement.format(chr(34) + found.alias + chr(34))}"
    assert found.alias.startswith(name.lower())
    mapping = Mapping("events", "e", "u", "t", "a", attached=(found,))
    assert Mapping.from_json(mapping.to_json()) == mapping
    assert "attached" not in json.loads(Mapping("events", "e", "u", "t", "a").to_json())


@pytest.mark.parametrize(
    ("table", "attach", "extension"),
    [
        ("x.clicks", "postgres:dbname=shop", "postgres"),
        ("x.clicks", "sqlite:{folder}/x.db", "sqlite"),
        ("x.clicks", "ducklake:{folder}/lake", "ducklake"),
        ("{folder}/lake", "", "delta"),
        ("iceberg:{folder}/lake", "", "iceberg"),
    ],
)
def test_a_lacking_extension_is_said_with_the_ways_to_have_it(
    tmp_path: Path, table: str, attach: str, extension: str
) -> None:
    (tmp_path / "lake" / "_delta_log").mkdir(parents=True)
    (tmp_path / "x.db").touch()
    nowhere: dict[str, Any] = {"extension_directory": str(tmp_path / "none"), "autoinstall_known_extensions": False}
    with sqlscore.connect(**nowhere) as con:
        databases = {"x": attach.format(folder=tmp_path)} if attach else {}
        with pytest.raises(
            SourceError, match=f"extension {extension}, which is not on this machine.*INSTALL {extension}"
        ):
            sqlscore.map_events(con, table.format(folder=tmp_path), attach=databases)


def test_nothing_of_the_environment_is_stored(reading: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "geheim42")
    with sqlscore.connect(reading) as con:
        sqlscore.map_events(con, "shop.bought", attach={"shop": os.fspath(other)}, name="again")
    assert b"geheim42" not in reading.read_bytes()


@pytest.mark.parametrize("spelled", ['x."my shop"."Clicks 24"', "x.my shop.Clicks 24", '"x"."my shop"."clicks 24"'])
def test_parts_of_a_name_may_be_quoted_or_not(con: duckdb.DuckDBPyConnection, other: Path, spelled: str) -> None:
    change(other, 'CREATE SCHEMA "my shop"', 'CREATE TABLE "my shop"."Clicks 24" AS FROM clicks')
    assert sqlscore.map_events(con, spelled, attach={"x": str(other)}).profile.n_events == 60
    table_name = spelled.partition(".")[2]
    assert sqlscore.map_events(con, str(other), table_name=table_name, force=True).profile.n_events == 60
