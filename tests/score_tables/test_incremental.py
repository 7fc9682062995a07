"""Incremental = full, whatever happened to the events in between, and whenever the process was killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from event_changes import INSERTS_AND_DELETES, minutes, users
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_scores import assert_equal_to_full
from small_shop import ARTIFACTS, open_shop
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.events.sequences import Sequences
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.states import States

step = st.one_of(
    *INSERTS_AND_DELETES,
    st.tuples(
        st.just("UPDATE e SET price = price + 1 WHERE user_id = ? AND epoch(event_time) % 3 = ? % 3"),
        users,
        minutes,
    ),
    st.tuples(st.just("UPDATE e SET event_type = 'cart' WHERE user_id = ? AND price < ?"), users, minutes),
    st.tuples(st.just("retrain"), st.integers(0, 2), minutes),
    st.tuples(st.just("refresh"), st.integers(0, 0), minutes),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=1, max_size=6))
@pytest.mark.slow
def test_incremental_equals_full_after_any_changes(script: list[tuple[str, int, int]]) -> None:
    con = open_shop()
    sqlscore.refresh(con)
    for what, number, minute in script:
        if what == "retrain":
            register(con, ARTIFACTS[number], name="m", mapping="events", champion=True, verb="train")
        elif what == "refresh":
            sqlscore.refresh(con)
        else:
            con.execute(what, [number, minute])
    if con.execute("SELECT count(*) FROM e").fetchall()[0][0]:
        sqlscore.refresh(con)
        assert_equal_to_full(con)
    con.close()


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 7), minutes, st.booleans()), min_size=1, max_size=5))
def test_appended_rows_are_found_wherever_in_time_they_fall(rows: list[tuple[int, int, bool]]) -> None:
    con = open_shop(append_only=True)
    sqlscore.refresh(con)
    for user, minute, late in rows:
        base = "2023-12-31" if late else "2024-01-03"
        con.execute(f"INSERT INTO e VALUES (?, TIMESTAMP '{base}' + to_minutes(?), 'buy', 1)", [user, minute])
        sqlscore.refresh(con)
    assert_equal_to_full(con)
    con.close()


def test_only_new_events_go_through_the_model() -> None:
    """A fold's state is advanced: one event in, one event encoded."""
    for append_only in (False, True):
        con = open_shop(append_only=append_only)
        first = sqlscore.refresh(con)
        assert (first.kind, first.reason, first.n_events) == ("full", "nothing was scored before", 40)
        con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-02', 'buy', 1)")
        second = sqlscore.refresh(con)
        assert (second.kind, second.n_users_encoded, second.n_events) == ("incremental", 1, 1)
        con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2023-01-02', 'buy', 1)")
        third = sqlscore.refresh(con)
        assert (third.kind, third.n_users_encoded, third.n_events) == ("incremental", 1, 10)
        assert sqlscore.refresh(con).n_events == 0
        con.close()


@pytest.mark.parametrize("append_only", [False, True])
def test_what_is_encoded_does_not_grow_with_history(append_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold's state holds the past: neither users nor sessions are read again, but for a session that grows."""
    encoded: list[int] = []
    encode = Artifact.encode

    def counting(self: Artifact, sequences: Sequences, states: States | None = None) -> States:
        encoded.append(int(sequences.offsets[-1]))
        return encode(self, sequences, states)

    monkeypatch.setattr(Artifact, "encode", counting)
    found = []
    for history in (10, 200):
        con = open_shop(append_only=append_only)
        con.execute(
            "INSERT INTO e SELECT i % 5, TIMESTAMP '2024-01-04' + to_minutes(17 * i), 'view', i FROM range(?) t(i)",
            [5 * history],
        )
        sqlscore.refresh(con)
        encoded.clear()
        con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2025-01-02', 'buy', 1)")
        sqlscore.refresh(con)
        found.append(sum(encoded))
        assert_equal_to_full(con)
        con.close()
    assert found == [2, 2]  # the user's new event, and the session that it begins


def test_a_session_that_grows_is_scored_anew() -> None:
    """The first event a minute after the last session, another a day later: one session grows, one is new."""
    for append_only in (False, True):
        con = open_shop(append_only=append_only)
        sqlscore.refresh(con)
        before = con.execute("SELECT count(*) FROM sqlscore.scored_sessions WHERE user_id = 3").fetchall()[0][0]
        con.execute("INSERT INTO e SELECT 3, max(event_time) + INTERVAL 1 MINUTE, 'buy', 1 FROM e WHERE user_id = 3")
        con.execute("INSERT INTO e SELECT 3, max(event_time) + INTERVAL 1 DAY, 'buy', 1 FROM e WHERE user_id = 3")
        sqlscore.refresh(con)
        after = con.execute("SELECT count(*) FROM sqlscore.scored_sessions WHERE user_id = 3").fetchall()[0][0]
        assert after == before + 1
        assert_equal_to_full(con)
        con.close()


def test_states_of_an_older_version_are_made_anew() -> None:
    con = open_shop()
    sqlscore.refresh(con)
    con.execute("ALTER TABLE sqlscore.user_states DROP COLUMN standing")
    assert sqlscore.refresh(con).reason == "the states were stored by an older sqlscore"
    assert sqlscore.refresh(con).kind == "incremental"


def test_nothing_is_moved_where_time_stands_still() -> None:
    """A late event of one user changes nobody else's score, and says when all were looked at."""
    con = open_shop()
    sqlscore.refresh(con)
    before = con.execute("SELECT churn_risk, as_of, scored_at FROM sqlscore.scored_users WHERE user_id = 1").fetchall()
    con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2023-01-02', 'buy', 1)")
    sqlscore.refresh(con)
    after = con.execute("SELECT churn_risk, as_of, scored_at FROM sqlscore.scored_users WHERE user_id = 1").fetchall()
    assert after[0][:2] == before[0][:2]
    assert after[0][2] > before[0][2]
    assert_equal_to_full(con)


def test_risk_moves_with_as_of_though_nothing_is_encoded() -> None:
    con = open_shop(artifact=0)
    con.execute("INSERT INTO e SELECT i + 100, TIMESTAMP '2024-01-01', 'view', 1 FROM range(10) t(i)")
    sqlscore.refresh(con)
    before = con.execute("SELECT churn_risk FROM sqlscore.scored_users WHERE user_id = 1").fetchall()[0][0]
    con.execute("INSERT INTO e VALUES (2, TIMESTAMP '2024-01-09', 'view', 1)")
    assert sqlscore.refresh(con).n_users_encoded == 1
    after = con.execute("SELECT churn_risk FROM sqlscore.scored_users WHERE user_id = 1").fetchall()[0][0]
    assert after > before + 0.1


def test_users_who_are_gone_lose_their_scores() -> None:
    con = open_shop()
    sqlscore.refresh(con)
    con.execute("DELETE FROM e WHERE user_id = 4")
    report = sqlscore.refresh(con)
    assert (report.kind, report.tables["scored_users"], report.n_users_encoded) == ("incremental", 4, 0)
    assert_equal_to_full(con)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("INSERT INTO e SELECT i, TIMESTAMP '2024-02-01', 'view', 1 FROM range(5) t(i)", "5 of 5 users changed"),
        ("champion", "the champion changed from m@1 to m@2"),
    ],
)
def test_everybody_is_scored_again_where_that_is_as_quick_or_needed(change: str, reason: str) -> None:
    con = open_shop()
    sqlscore.refresh(con)
    if change == "champion":
        register(con, ARTIFACTS[2], name="m", mapping="events", champion=True, verb="train")
    else:
        con.execute(change)
    assert sqlscore.refresh(con).reason == reason


def test_a_broken_append_only_promise_is_noticed() -> None:
    con = open_shop(append_only=True)
    sqlscore.refresh(con)
    con.execute("DELETE FROM e WHERE user_id = 4")
    report = sqlscore.refresh(con)
    assert report.reason == "rows were deleted from a table that was mapped as append-only"
    assert report.tables["scored_users"] == 4


@pytest.mark.parametrize(
    "source", ["CREATE VIEW v AS SELECT * FROM e", "CREATE TABLE v AS SELECT *, 1 AS rowid FROM e"]
)
def test_append_only_without_row_numbers_compares_hashes(source: str) -> None:
    """A view has none, and a column of that name hides them."""
    con = open_shop()
    con.execute(source)
    sqlscore.map_events(con, "v", features=["price"], append_only=True)
    sqlscore.refresh(con)
    table = "e" if "VIEW" in source else "v"
    columns = "(user_id, event_time, event_type, price)"
    con.execute(f"INSERT INTO {table} {columns} VALUES (3, TIMESTAMP '2024-01-02', 'buy', 1)")
    assert sqlscore.refresh(con).n_events == 1
    assert_equal_to_full(con)


def test_a_model_that_is_no_fold_encodes_changed_users_anew() -> None:
    con = open_shop()
    data = tiny_artifact(numeric=("price",), fold=False)
    register(con, data, name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    con.execute("INSERT INTO e VALUES (3, TIMESTAMP '2024-01-02', 'buy', 1)")
    report = sqlscore.refresh(con)
    assert (report.kind, report.n_users_encoded, report.n_events) == ("incremental", 1, 9)
    assert_equal_to_full(con)


@pytest.mark.parametrize(
    "value",
    [
        "lpad(user_id::VARCHAR, 32, '0')::UUID",
        "170141183460469231731687303715::HUGEINT + user_id",
        "user_id::VARCHAR",
        "user_id::VARCHAR::ENUM('0','1','2','3','4')",
        "make_timestamp(user_id)",
    ],
)
def test_incremental_works_for_every_kind_of_user_id(value: str) -> None:
    con = open_shop()
    con.execute(
        f"""CREATE TABLE k AS SELECT {value} AS user_id, event_time, event_type, price FROM e
            WHERE event_time < TIMESTAMP '2024-01-01 03:00' + to_hours(user_id)"""  # so that risks differ
    )
    sqlscore.map_events(con, "k", features=["price"])
    sqlscore.refresh(con)
    con.execute("INSERT INTO k SELECT user_id, TIMESTAMP '2024-01-02', 'buy', 1 FROM k LIMIT 1")
    assert sqlscore.refresh(con).n_events == 1
    assert_equal_to_full(con)


@pytest.mark.parametrize("again", [40, 60])
@pytest.mark.parametrize("how", ["deleted and filled", "replaced"])
def test_an_append_only_table_that_was_filled_anew_is_noticed(how: str, again: int) -> None:
    """As many rows with the same numbers, or more, are no promise kept."""
    con = open_shop(append_only=True)
    sqlscore.refresh(con)
    rows = f"""SELECT 100 + i % 7 AS user_id, TIMESTAMP '2024-02-01' + to_minutes(i) AS event_time,
                   'view' AS event_type, 1.0::DOUBLE AS price FROM range({again}) t(i)"""
    if how == "replaced":
        con.execute(f"CREATE OR REPLACE TABLE e AS {rows}")
    else:
        con.execute("DELETE FROM e")
        con.execute("CHECKPOINT")
        con.execute(f"INSERT INTO e {rows}")
    assert sqlscore.refresh(con).kind == "full"
    assert con.execute("SELECT min(user_id), count(*) FROM sqlscore.scored_users").fetchall() == [(100, 7)]


@pytest.mark.parametrize("append_only", [True, False])
def test_a_forgotten_user_whose_events_are_left_comes_back(append_only: bool) -> None:
    con = open_shop(append_only=append_only)
    sqlscore.refresh(con)
    assert sqlscore.forget_user(con, 3)["events_left"] == 8
    sqlscore.refresh(con)
    assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(5,)]


def test_a_column_of_another_type_is_scored_anew() -> None:
    """Ids that were numbers are other ids as text."""
    con = open_shop()
    con.execute("CREATE VIEW v AS FROM e")
    sqlscore.map_events(con, "v", features=["price"])
    sqlscore.refresh(con)
    con.execute("CREATE OR REPLACE VIEW v AS SELECT * REPLACE ('0' || user_id AS user_id) FROM e")
    report = sqlscore.refresh(con)
    assert report.kind == "full"
    assert "types" in str(report.reason)
    assert con.execute("SELECT min(user_id) FROM sqlscore.scored_users").fetchall() == [("00",)]


@pytest.mark.parametrize("name", ["model", "content", "n_events", "hidden", "standing", "known", "word"])
def test_a_feature_may_be_called_like_a_column_of_ours(name: str) -> None:
    con = open_shop()
    con.execute(f"ALTER TABLE e ADD COLUMN {name} INTEGER DEFAULT 1")
    sqlscore.map_events(con, "e", features=["price", name])
    sqlscore.refresh(con)
    con.execute(f"UPDATE e SET {name} = 2 WHERE user_id = 3")
    report = sqlscore.refresh(con)
    assert (report.kind, report.n_users_encoded) == ("incremental", 1)
    assert_equal_to_full(con)


CHILD = """
import sys, sqlscore
con = sqlscore.connect(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    con.execute("INSERT INTO e SELECT i % 40, (SELECT max(event_time) FROM e) + to_minutes(i), 'view', i "
                "FROM range(9) t(i)")
    sqlscore.refresh(con, full=line.strip() == "full")
    print("done", flush=True)
"""


@pytest.mark.slow
def test_a_killed_refresh_leaves_the_last_good_tables(tmp_path: Path) -> None:
    """SIGKILL at random moments: tables are whole, and the next incremental refresh equals a full one."""
    path = tmp_path / "killed.duckdb"
    con = open_shop(path)
    con.execute(
        "INSERT INTO e SELECT i % 400, TIMESTAMP '2024-01-04' + to_seconds(i), 'view', i FROM range(20000) t(i)"
    )
    sqlscore.refresh(con)
    con.close()
    chance = random.Random(7)
    for _ in range(4):
        command = [sys.executable, "-c", CHILD, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            for number in range(20):
                child.stdin.write("full\n" if number % 2 else "part\n")
            child.stdin.flush()
            for _ in range(chance.randint(0, 2)):
                child.stdout.readline()
            try:
                child.wait(timeout=chance.random())
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
        con = sqlscore.connect(path)
        assert con.execute("SELECT count(*), count(DISTINCT user_id) FROM sqlscore.scored_users").fetchall() == [
            (400, 400)
        ]
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'next_%'").fetchall() == [(0,)]
        sqlscore.refresh(con)
        assert_equal_to_full(con)
        con.close()
