"""Users like one: by vectors that a refresh stores and keeps, or that are made as they are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from small_shop import ARTIFACTS, open_shop

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import GuardWarning, MappingError

EMBEDDED = "SELECT user_id, embed_events(e) AS vector FROM e GROUP BY user_id ORDER BY user_id"
STORED = "SELECT user_id, vector FROM sqlscore.user_vectors ORDER BY user_id"
NEAR = "SELECT user_id, similarity, is_stale FROM sqlscore.similar_users({})"


def vectors(con: duckdb.DuckDBPyConnection, query: str) -> np.ndarray:
    return np.array([row[1] for row in con.execute(query).fetchall()])


def by_numpy(con: duckdb.DuckDBPyConnection, user: int) -> list[int]:
    found = con.execute(EMBEDDED).fetchall()
    table = np.array([vector for _, vector in found])
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    near = table @ table[[row[0] for row in found].index(user)]
    return [found[i][0] for i in np.argsort(-near, kind="stable") if found[i][0] != user]


def test_all_users_are_compared_by_their_representations_stored_or_not() -> None:
    con = open_shop()
    live = con.execute(NEAR.format("2, 3")).fetchall()
    assert [row[0] for row in live] == by_numpy(con, 2)[:3]
    assert sqlscore.refresh(con).tables.keys() == {"scored_users", "scored_sessions"}  # stored only if asked
    assert sqlscore.refresh(con, vectors=True).tables["user_vectors"] == 5
    stored = con.execute(NEAR.format("2, 3")).fetchall()
    assert [row[0] for row in stored] == [row[0] for row in live]
    np.testing.assert_allclose([row[1] for row in stored], [row[1] for row in live], atol=1e-5)
    assert not any(row[2] for row in stored + live)


def test_users_alike_in_all_are_in_order_of_their_ids() -> None:
    con = open_shop()
    con.execute(
        "INSERT INTO e SELECT u.user_id, e.* EXCLUDE user_id FROM e, range(30, 10, -1) u(user_id) WHERE e.user_id = 1"
    )
    with pytest.warns(GuardWarning, match="none of them is newer"):
        sqlscore.refresh(con, vectors=True)
    found = con.execute(NEAR.format("1, 20")).fetchall()
    assert [row[0] for row in found] == list(range(11, 31))


@pytest.mark.parametrize("append_only", [False, True])
def test_a_refresh_keeps_vectors_as_a_full_one_makes_them(append_only: bool) -> None:
    con = open_shop(append_only=append_only)
    sqlscore.refresh(con, vectors=True)
    before = con.execute(f"SELECT user_id, vector FROM ({STORED})").fetchall()
    con.execute(
        "INSERT INTO e VALUES (3, TIMESTAMP '2024-02-03', 'buy', 9.0), (77, TIMESTAMP '2024-02-03', 'view', 1.0)"
    )
    assert {row[2] for row in con.execute(NEAR.format("2, 3")).fetchall()} == {True}
    if not append_only:
        con.execute("DELETE FROM e WHERE user_id = 4")
    report = sqlscore.refresh(con, accept=True)
    users = 6 if append_only else 5
    assert report.tables["user_vectors"] == users
    after = con.execute(STORED).fetchall()
    assert [row for row in after if row[0] in (0, 1, 2)] == [row for row in before if row[0] in (0, 1, 2)]
    np.testing.assert_allclose(vectors(con, STORED), vectors(con, EMBEDDED), atol=1e-5)
    assert {row[2] for row in con.execute(NEAR.format("2, 3")).fetchall()} == {False}


def test_another_champion_makes_them_stale_until_the_next_refresh() -> None:
    con = open_shop()
    sqlscore.refresh(con, vectors=True)
    register(con, ARTIFACTS[2], name="m", mapping="events", champion=True, verb="train")
    assert {row[2] for row in con.execute(NEAR.format("2")).fetchall()} == {True}
    sqlscore.refresh(con)
    np.testing.assert_allclose(vectors(con, STORED), vectors(con, EMBEDDED), atol=1e-5)
    assert con.execute("SELECT DISTINCT model FROM sqlscore.user_vectors").fetchall() == [("m@2",)]
    assert {row[2] for row in con.execute(NEAR.format("2")).fetchall()} == {False}


@pytest.mark.parametrize("user", ["99", "NULL"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_user_that_nobody_knows_is_an_error(user: str, stored: bool) -> None:
    con = open_shop()
    if stored:
        sqlscore.refresh(con, vectors=True)
    with pytest.raises(
        duckdb.InvalidInputException, match=f"there is no vector of user {user}: ask for .*sqlscore refresh"
    ):
        con.execute(NEAR.format(user)).fetchall()


def test_stored_vectors_are_read_without_sqlscore(tmp_path: Path) -> None:
    with open_shop(tmp_path / "shop.duckdb") as con:
        sqlscore.refresh(con, vectors=True)
        expected = con.execute(NEAR.format("0, 4")).fetchall()
    shutil.copy(tmp_path / "shop.duckdb", tmp_path / "copy.duckdb")
    with duckdb.connect(tmp_path / "copy.duckdb", read_only=True) as con:
        assert con.execute(NEAR.format("0, 4")).fetchall() == expected


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM sqlscore.user_vectors WHERE user_id < 3",
        "UPDATE sqlscore.user_vectors SET model = NULL",
        "ALTER TABLE sqlscore.user_vectors DROP content",
        "ALTER TABLE sqlscore.user_vectors ALTER user_id TYPE VARCHAR",
        "DELETE FROM sqlscore.user_states WHERE user_id = 2",
    ],
)
def test_what_somebody_changed_is_made_anew(edit: str) -> None:
    con = open_shop()
    sqlscore.refresh(con, vectors=True)
    comments = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'user_vectors' ORDER BY ALL"
    whole = con.execute(
        f"SELECT *, (SELECT list(t) FROM ({comments}) t) FROM sqlscore.user_vectors ORDER BY 1"
    ).fetchall()
    con.execute(edit)
    sqlscore.refresh(con)
    again = con.execute(
        f"SELECT *, (SELECT list(t) FROM ({comments}) t) FROM sqlscore.user_vectors ORDER BY 1"
    ).fetchall()
    if "content" in edit:  # its comment went with the column
        whole, again = [row[:-1] for row in whole], [row[:-1] for row in again]
    assert again == whole


def test_vectors_go_with_the_mapping_and_with_a_user_who_is_forgotten() -> None:
    con = open_shop()
    sqlscore.refresh(con, vectors=True)
    con.execute("DELETE FROM e WHERE user_id = 2")
    assert sqlscore.forget_user(con, 2)["user_vectors"] == 1
    with pytest.raises(MappingError, match="user_vectors"):
        sqlscore.map_events(con, "e", features=[])
    sqlscore.map_events(con, "e", features=[], force=True)
    assert con.execute("SELECT view_name FROM duckdb_views() WHERE view_name = 'user_vectors'").fetchall()
