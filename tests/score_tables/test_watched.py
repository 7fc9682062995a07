"""Triggers note whose events change, and a refresh reads these users alone: it says what a full one says."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from event_changes import INSERTS_AND_DELETES, minutes, users
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import assert_equal_to_full
from small_shop import open_shop

import sqlscore
from sqlscore import Source
from sqlscore.errors import GuardWarning, InstallError, MappingError, SqlscoreError
from sqlscore.score_tables import changes
from sqlscore.score_tables.marked import GONE, UNSEEN

MARKS = "SELECT user_id, sum(n_rows) FROM sqlscore.changed_users GROUP BY ALL ORDER BY ALL"


@pytest.fixture
def shop() -> duckdb.DuckDBPyConnection:
    """A shop whose events are watched, refreshed since."""
    con = open_shop()
    sqlscore.refresh(con)
    sqlscore.watch(con)
    sqlscore.refresh(con)
    return con


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each refresh that compared hashes, whether those of marked users alone."""
    found: list[bool] = []
    compare = changes._compared

    def noting(con: duckdb.DuckDBPyConnection, mapping: object, marked: bool) -> None:
        found.append(marked)
        compare(con, mapping, marked)  # type: ignore[arg-type]

    monkeypatch.setattr(changes, "_compared", noting)
    return found


@pytest.mark.parametrize(
    ("statement", "users"),
    [
        ("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-03', 'buy', 1), (3, TIMESTAMP '2024-01-04', 'buy', 1)", {3}),
        ("INSERT INTO e BY NAME SELECT 3 AS user_id, TIMESTAMP '2023-01-03' AS event_time, 'buy' AS event_type", {3}),
        ("UPDATE e SET price = price + 1 WHERE user_id = 2 AND price < 20", {2}),
        ("UPDATE e SET user_id = 8 WHERE user_id = 2", {2, 8}),
        ("DELETE FROM e WHERE user_id = 4 AND price < 9", {4}),
        ("DELETE FROM e WHERE user_id = 1", {1}),
        ("INSERT INTO e VALUES (NULL, TIMESTAMP '2024-01-01 01:00:00', 'buy', 1)", {None}),
        ("INSERT INTO e SELECT * FROM e WHERE false", set()),
    ],
)
def test_any_duckdb_marks_whom_a_statement_touches(
    tmp_path: Path, statement: str, users: set[int | None], compared: list[bool]
) -> None:
    """A DuckDB that never heard of sqlscore changes the file; the refresh after it looks at these users alone."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.watch(con)
        sqlscore.refresh(con)
    with duckdb.connect(path) as plain:
        plain.execute(statement)
        assert {user for user, _ in plain.execute(MARKS).fetchall()} == users
    with sqlscore.connect(path) as con:
        compared.clear()
        report = sqlscore.refresh(con)
        assert compared == [True]
        assert (report.kind, report.notes) == ("incremental", ())
        assert con.execute(MARKS).fetchall() == []
        assert_equal_to_full(con)


def test_copy_and_appender_are_noted(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("user_id,event_time,event_type,price\n6,2024-01-04 00:00:00,view,1.5\n")
    shop.execute(f"COPY e FROM '{file}'")
    shop.append("e", shop.sql("SELECT 7::BIGINT, TIMESTAMP '2024-01-04', 'buy', 1.0").df())
    assert shop.execute(MARKS).fetchall() == [(6, 1), (7, 1)]
    sqlscore.refresh(shop)
    assert_equal_to_full(shop)


def test_what_is_rolled_back_is_not_noted(shop: duckdb.DuckDBPyConnection) -> None:
    shop.begin()
    shop.execute("DELETE FROM e WHERE user_id = 1")
    assert shop.execute(MARKS).fetchall() == [(1, -8)]
    shop.rollback()
    assert shop.execute(MARKS).fetchall() == []


def test_marks_that_come_during_a_refresh_stay(
    shop: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, compared: list[bool]
) -> None:
    """A second connection inserts after the refresh took its snapshot: the next refresh has that event."""
    other = shop.cursor()
    compare = changes._compared

    def interrupted(*args: object) -> None:
        other.execute("INSERT INTO e VALUES (4, TIMESTAMP '2024-01-05', 'buy', 1)")
        compare(*args)  # type: ignore[arg-type]

    shop.execute("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-04', 'buy', 1)")
    with monkeypatch.context() as during:
        during.setattr(changes, "_compared", lambda con, mapping, marked: interrupted(con, mapping, marked))
        assert sqlscore.refresh(shop).n_users_encoded == 1
    assert shop.execute(MARKS).fetchall() == [(4, 1)]
    assert sqlscore.refresh(shop).n_users_encoded == 1
    assert compared == [True, True]
    assert_equal_to_full(shop)


def test_transactions_that_know_no_trigger_cannot_commit(shop: duckdb.DuckDBPyConnection) -> None:
    """An update that began before the triggers would change events, and no count of rows would show it."""
    sqlscore.unwatch(shop)
    shop.execute("COMMENT ON TABLE e IS 'mine'")
    other = shop.cursor()
    other.begin()
    other.execute("UPDATE e SET event_type = 'buy' WHERE user_id = 1")
    sqlscore.watch(shop)
    with pytest.raises(duckdb.TransactionException):
        other.commit()
    assert shop.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'e'").fetchall() == [("mine",)]


@pytest.mark.parametrize(
    ("statements", "note"),
    [
        (["CREATE OR REPLACE TABLE e AS SELECT * REPLACE (price + 1 AS price) FROM e"], GONE),
        (["DROP TABLE sqlscore.changed_users CASCADE", "UPDATE e SET price = 7 WHERE user_id = 2"], GONE),
        (["DELETE FROM e WHERE user_id = 2 AND price < 20", "DELETE FROM sqlscore.changed_users"], UNSEEN),
    ],
)
def test_what_no_trigger_saw_is_noticed(
    shop: duckdb.DuckDBPyConnection, compared: list[bool], statements: list[str], note: str
) -> None:
    for statement in statements:
        shop.execute(statement)
    if note == GONE:
        found = [p for p in sqlscore.status(shop).problems if p.command.startswith("sqlscore watch ")]
        assert len(found) == 1
    report = sqlscore.refresh(shop)
    assert report.notes == (note,)
    assert compared == [False]
    assert_equal_to_full(shop)
    sqlscore.watch(shop)
    sqlscore.refresh(shop)
    shop.execute("UPDATE e SET price = 3 WHERE user_id = 0")
    assert sqlscore.refresh(shop).notes == ()
    assert compared[-1]
    assert not [p for p in sqlscore.status(shop).problems if "watch" in p.command]


def test_events_of_the_future_count_when_their_time_has_come(
    shop: duckdb.DuckDBPyConnection, compared: list[bool]
) -> None:
    """Nothing touches such a row when it begins to count, so its user stays marked until then."""
    shop.execute("INSERT INTO e SELECT 3, now()::TIMESTAMP + INTERVAL 1 DAY, 'buy', 1")
    for _ in range(2):
        with pytest.warns(GuardWarning, match="future"):
            sqlscore.refresh(shop)
    assert shop.execute("SELECT user_id FROM sqlscore.changed_users").fetchall() == [(3,)]
    assert compared[-2:] == [True, True]
    shop.execute("UPDATE e SET event_time = TIMESTAMP '2024-01-04' WHERE event_time > now()::TIMESTAMP")
    sqlscore.refresh(shop)
    assert shop.execute(MARKS).fetchall() == []
    assert_equal_to_full(shop)


@pytest.mark.filterwarnings("ignore::sqlscore.errors.GuardWarning")
def test_events_that_wait_for_a_slow_source_are_not_lost(compared: list[bool]) -> None:
    """Their users are touched long before they count; a source that comes back late takes events away again."""
    con = open_shop()
    con.execute("CREATE TABLE web AS FROM e")
    con.execute("CREATE TABLE app AS SELECT user_id + 1 AS who, event_time - INTERVAL 1 HOUR AS moment FROM e")
    sources = [Source("web"), Source("app", user_id="who", event_time="moment", action="view")]
    sqlscore.map_events(con, sources, features=["price"], force=True)
    assert set(sqlscore.watch(con).tables) == {'"main"."web"', '"main"."app"'}
    sqlscore.refresh(con)
    compared.clear()
    con.execute("INSERT INTO app SELECT 2, max(event_time) + INTERVAL 1 MINUTE FROM web")
    sqlscore.refresh(con)
    assert_equal_to_full(con)
    con.execute("INSERT INTO web SELECT 3, max(moment) + INTERVAL 1 HOUR, 'buy', 1 FROM app")
    sqlscore.refresh(con)
    con.execute("INSERT INTO app SELECT 4, max(event_time) + INTERVAL 1 MINUTE FROM web")
    sqlscore.refresh(con)
    assert compared == [True, True, True]
    assert_equal_to_full(con)
    con.execute("DELETE FROM app WHERE moment > (SELECT min(moment) + INTERVAL 2 HOUR FROM app)")
    sqlscore.refresh(con, accept=True)
    assert_equal_to_full(con)


step = st.one_of(
    *INSERTS_AND_DELETES,
    st.tuples(st.just("UPDATE e SET price = price + 1 WHERE user_id = ? AND price < ?"), users, minutes),
    st.tuples(st.just("UPDATE e SET user_id = ? WHERE price < ? % 40"), users, minutes),
    st.tuples(st.sampled_from(["refresh", "full", "watch", "unwatch", "replace", "rolled back", "forget"]),
              users, minutes),
)  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=2, max_size=9))
@pytest.mark.slow
def test_incremental_equals_full_after_any_changes(script: list[tuple[str, int, int]]) -> None:
    con = open_shop()
    sqlscore.watch(con)
    sqlscore.refresh(con)
    for what, number, minute in script:
        if what == "refresh":
            sqlscore.refresh(con)
        elif what == "full":
            sqlscore.refresh(con, full=True)
        elif what == "watch":
            sqlscore.watch(con)
        elif what == "unwatch":
            sqlscore.unwatch(con)
        elif what == "replace":
            con.execute("CREATE OR REPLACE TABLE e AS SELECT * REPLACE (price * 2 AS price) FROM e")
        elif what == "forget":
            sqlscore.forget_user(con, number)
        elif what == "rolled back":
            con.begin()
            con.execute("DELETE FROM e WHERE user_id = ?", [number])
            con.rollback()
        else:
            con.execute(what, [number, minute])
        if not con.execute("SELECT count(*) FROM e").fetchall()[0][0]:
            con.execute("INSERT INTO e VALUES (1, TIMESTAMP '2024-01-03', 'buy', 1)")
    sqlscore.refresh(con)
    assert_equal_to_full(con)
    con.close()


_DYING = """
import os, signal, sys, sqlscore
from sqlscore.verbs import refresh as verb
con = sqlscore.connect(sys.argv[1])
clear = verb.clear_marks
def dying(*args):
    clear(*args)
    os.kill(os.getpid(), signal.SIGKILL)
verb.clear_marks = dying
sqlscore.refresh(con)
"""


def test_a_refresh_that_is_killed_takes_no_mark_away(tmp_path: Path, compared: list[bool]) -> None:
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.watch(con)
        sqlscore.refresh(con)
        con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-04', 'buy', 1)")
    died = subprocess.run([sys.executable, "-c", _DYING, str(path)], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with sqlscore.connect(path) as con:
        compared.clear()
        assert con.execute(MARKS).fetchall() == [(3, 1)]
        assert sqlscore.refresh(con).n_users_encoded == 1
        assert compared == [True]
        assert_equal_to_full(con)


def test_a_forgotten_user_leaves_the_marks_and_comes_back_with_the_events(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("DELETE FROM e WHERE user_id = 2")
    sqlscore.forget_user(shop, 2)
    sqlscore.forget_user(shop, 3)
    assert shop.execute(MARKS).fetchall() == [(3, 0), (None, -8)]
    sqlscore.refresh(shop)
    assert [row[0] for row in shop.execute("SELECT user_id FROM sqlscore.scored_users ORDER BY 1").fetchall()] == [
        0, 1, 3, 4,
    ]  # fmt: skip
    assert_equal_to_full(shop)


def test_another_mapping_and_unmap_end_it(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("CREATE TABLE f AS FROM e")
    report = sqlscore.map_events(shop, "f", features=["price"], force=True)
    assert any("sqlscore watch" in warning for warning in report.warnings)
    assert shop.execute("FROM duckdb_triggers()").fetchall() == []
    sqlscore.watch(shop)
    sqlscore.map_events(shop, "e", name="second")
    sqlscore.watch(shop, mapping="second")
    sqlscore.unmap(shop)
    sqlscore.unmap(shop, "second")
    assert shop.execute("FROM duckdb_triggers()").fetchall() == []
    shop.execute("INSERT INTO f FROM e")


def test_two_mappings_of_one_table_note_for_themselves(shop: duckdb.DuckDBPyConnection) -> None:
    sqlscore.map_events(shop, "e", name="second")
    sqlscore.watch(shop, mapping="second")
    shop.execute("DELETE FROM e WHERE user_id = 2")
    sqlscore.refresh(shop)
    assert shop.execute(MARKS).fetchall() == []
    assert shop.execute(MARKS.replace("sqlscore.", "sqlscore_second.")).fetchall() == [(2, -8)]
    assert sqlscore.unwatch(shop)
    assert not sqlscore.unwatch(shop)
    assert shop.execute("SELECT count(*) FROM duckdb_triggers()").fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("relation", "said"),
    [("SELECT * FROM e", "is a view"), (None, "is not a table of this file")],
)
def test_only_tables_of_the_file_are_watched(tmp_path: Path, relation: str | None, said: str) -> None:
    con = open_shop()
    if relation is None:
        con.execute(f"COPY e TO '{tmp_path}/e.parquet'")
        sqlscore.map_events(con, f"{tmp_path}/e.parquet", name="v")
    else:
        con.execute(f"CREATE VIEW v AS {relation}")
        sqlscore.map_events(con, "v", name="v")
    with pytest.raises(MappingError, match=said):
        sqlscore.watch(con, mapping="v")


def test_events_that_others_rows_change_are_refused() -> None:
    con = open_shop()
    con.execute("CREATE TABLE people AS SELECT user_id, 'x' AS country FROM range(5) t(user_id)")
    sqlscore.map_events(con, "e", name="v", users="people", user_features=["country"])
    with pytest.raises(MappingError, match="change without any event"):
        sqlscore.watch(con, mapping="v")


def test_a_file_of_an_older_format_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    duckdb.connect(path, config={"storage_compatibility_version": "v1.5.0"}).close()
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE e AS SELECT i AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type "
                    "FROM range(3) t(i)")  # fmt: skip
        sqlscore.map_events(con, "e")
        with pytest.raises(InstallError, match=r"STORAGE_VERSION 'v2\.0\.0'"):
            sqlscore.watch(con)
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'changed_users'").fetchall() == [
            (0,)
        ]


def test_another_file_beside_it_cannot_note_its_changes_here(tmp_path: Path, shop: duckdb.DuckDBPyConnection) -> None:
    """A trigger's names are looked up in the session's database: that of `other` would write into this one's table."""
    with open_shop(tmp_path / "other.duckdb") as con:
        sqlscore.watch(con)
    shop.execute(f"ATTACH '{tmp_path}/other.duckdb' AS other")
    with pytest.raises(duckdb.TransactionException, match="single attached database"):
        shop.execute("UPDATE other.main.e SET price = 5")
    shop.execute("USE other")
    shop.execute("UPDATE e SET price = 5 WHERE user_id = 1")
    assert shop.execute(MARKS).fetchall() == [(1, 0)]


def test_hazards_are_said_and_are_what_the_engine_does(shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("CREATE TABLE k (id INTEGER PRIMARY KEY, user_id BIGINT, event_time TIMESTAMP, event_type VARCHAR)")
    shop.execute("INSERT INTO k SELECT i, i % 5, TIMESTAMP '2024-01-01' + to_minutes(i), 'view' FROM range(40) t(i)")
    sqlscore.map_events(shop, "k", name="keyed")
    planned = sqlscore.watch(shop, mapping="keyed", dry_run=True)
    assert shop.execute("SELECT count(*) FROM duckdb_triggers() WHERE table_name = 'k'").fetchall() == [(0,)]
    said = " ".join(planned.hazards)
    refused = {
        "MERGE INTO": "MERGE INTO k USING (SELECT 3 AS id) s ON k.id = s.id WHEN MATCHED THEN DELETE",
        "INSERT OR REPLACE": "INSERT OR REPLACE INTO k VALUES (3, 1, TIMESTAMP '2024-01-01', 'view')",
        "RENAME": "ALTER TABLE k RENAME TO l",
        "DROP COLUMN": "ALTER TABLE k DROP COLUMN event_type",
        "ALTER ... TYPE": "ALTER TABLE k ALTER user_id TYPE HUGEINT",
    }
    sqlscore.watch(shop, mapping="keyed")
    for words, statement in refused.items():
        assert words in said
        with pytest.raises(duckdb.Error):
            shop.execute(statement)
    assert "INSERT OR REPLACE" not in " ".join(sqlscore.watch(shop, dry_run=True).hazards)
    sqlscore.unwatch(shop, mapping="keyed")
    shop.execute(refused["RENAME"])


def test_a_read_only_file_is_not_watched(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    open_shop(path).close()
    with sqlscore.connect(path, read_only=True) as con, pytest.raises(SqlscoreError, match="read-only"):
        sqlscore.watch(con)
