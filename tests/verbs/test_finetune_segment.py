"""A head for some users: kept where it is better for them than the head of all, beyond noise, and said either way."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import TrainingError
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.segment import compare

USERS = 600
LABELS = """SELECT u.user_id, as_of, as_of + INTERVAL 1 DAY AS known_at, {label} AS label
    FROM (SELECT DISTINCT user_id FROM ev) u,
         (SELECT unnest([TIMESTAMP '2024-02-01', TIMESTAMP '2024-02-03', TIMESTAMP '2024-02-05']) AS as_of)"""
OPPOSITE = LABELS.format(label="(hash(u.user_id, as_of) % 10 < 9) = ((u.user_id % 3 = 0) <> (u.user_id % 2 = 0))")
"""In the country of every third user those who only view do what they do not do elsewhere."""
ALIKE = LABELS.format(label="(hash(u.user_id, as_of) % 10 < 9) = (u.user_id % 2 = 0)")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of the users view and half of them buy; the country stands in one event of each, in the middle."""
    path = tmp_path_factory.mktemp("segment") / "shop.duckdb"
    with sqlscore.connect(path, threads=1) as con:
        con.execute(
            f"""CREATE TABLE ev AS SELECT i % {USERS} AS user_id,
                    TIMESTAMP '2024-01-01' + to_minutes(CAST(i * 17 AS BIGINT)) AS event_time,
                    CASE WHEN i % {USERS} % 2 = 0 THEN 'view' ELSE 'buy' END AS event_type,
                    CASE WHEN i // {USERS} = 3 THEN CASE WHEN i % {USERS} % 3 = 0 THEN 'FR' ELSE 'DE' END END AS country
                FROM range({USERS * 6}) t(i)"""
        )
        sqlscore.map_events(con, "ev", features=["country"])
        sqlscore.train(con, architecture="markov", churn=False)
    return path


@pytest.fixture
def con(shop: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with sqlscore.connect(shutil.copy(shop, tmp_path / "shop.duckdb"), threads=1) as own:
        yield own


FRENCH = "country = 'FR'"


def test_users_who_do_otherwise_get_a_head_of_their_own(con: duckdb.DuckDBPyConnection) -> None:
    info = sqlscore.finetune(con, OPPOSITE, name="french", where=FRENCH)
    segment = info.notes["segment"]
    assert segment["own_head"]
    assert 0 < segment["low"] < segment["difference"] < segment["high"]
    assert "all_users" in info.metrics["label"]["other_users"]["baselines"]
    assert "Learned from the segment's labels alone" in info.metrics["verdict"][-1]
    sqlscore.finetune(con, OPPOSITE, name="all")
    told = con.execute(
        """WITH told AS (SELECT user_id, propensity(e, 'french') AS own, propensity(e, 'all') AS of_all
                         FROM ev e GROUP BY user_id)
           SELECT user_id % 2, avg(own), avg(of_all) FROM told WHERE user_id % 3 = 0 GROUP BY 1"""
    ).fetchall()
    by_kind = {kind: (own, of_all) for kind, own, of_all in told}
    assert by_kind[0][0] < 0.2 < 0.4 < by_kind[0][1]  # those who view, in the segment and by everybody's head
    assert by_kind[1][0] > 0.8


def test_users_who_do_as_all_do_get_the_head_of_all(con: duckdb.DuckDBPyConnection) -> None:
    info = sqlscore.finetune(con, ALIKE, name="french", where=FRENCH)
    assert not info.notes["segment"]["own_head"]
    assert info.notes["segment"]["low"] <= 0
    assert "segment_alone" in info.metrics["label"]["other_users"]["baselines"]
    assert "the segment's alone are not better beyond noise" in info.metrics["verdict"][-1]
    sqlscore.finetune(con, ALIKE, name="all")
    same = "SELECT DISTINCT propensity(e, 'french') = propensity(e, 'all') FROM ev e GROUP BY user_id"
    assert con.execute(same).fetchall() == [(True,)]


def test_both_are_judged_on_labels_of_the_segment_alone(con: duckdb.DuckDBPyConnection) -> None:
    info = sqlscore.finetune(con, ALIKE, name="some", where="user_id < 150")
    found = info.metrics["label"]
    assert sum(part["n"] for part in found.values()) == info.notes["segment"]["n"] <= 150 * 3
    assert all(part["users"] <= 150 for part in found.values())


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("county = 'FR'", "where is .*county.* pass a condition on columns of"),
        ("user_id < 5", "where is 'user_id < 5', and 15 of 1,800 labels .* at least 40 are needed"),
        ("1; DROP TABLE ev", "pass a condition"),
        ("user_id", "not true or false"),
        ("event_type = 'view' AND event_time > TIMESTAMP '2024-02-05'", "0 of 1,800 labels"),
    ],
)
def test_a_condition_that_is_none_or_meets_too_few_is_refused(
    con: duckdb.DuckDBPyConnection, where: str, said: str
) -> None:
    """A user belongs to the segment from the first event on that meets it, so later events say nothing of a label."""
    with pytest.raises(TrainingError, match=said):
        sqlscore.finetune(con, ALIKE, name="none", where=where)


def test_a_segment_of_what_came_later_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    """Who will have been somewhere is not known yet, as in the query of the labels."""
    later = "user_id IN (SELECT user_id FROM ev WHERE country = 'FR')"
    with pytest.raises(TrainingError, match=r"(?s)^the condition where shows .* --allow-leak unbounded-join$"):
        sqlscore.finetune(con, ALIKE, name="some", where=later)
    info = sqlscore.finetune(con, ALIKE, name="some", where=later, allow_leak=["unbounded-join"])
    assert [leak["rule"] for leak in info.notes["allowed_leaks"]] == ["unbounded-join"]


def test_a_segment_of_a_table_without_times_passes(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE customers AS SELECT DISTINCT user_id, user_id % 3 = 0 AS french FROM ev")
    where = "user_id IN (SELECT user_id FROM customers WHERE french)"
    info = sqlscore.finetune(con, ALIKE, name="some", where=where)
    assert info.notes["segment"]["where"] == where
    assert "allowed_leaks" not in info.notes


def test_an_uplift_has_no_segment(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(TrainingError, match="where is for labels"):
        sqlscore.finetune(con, uplift="spring", where="user_id < 150")


def test_the_command_says_what_was_learned_from(con: duckdb.DuckDBPyConnection) -> None:
    path = con.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]
    con.close()
    ran = CliRunner().invoke(
        app, ["finetune", path, "--name", "french", "--labels", OPPOSITE, "--where", FRENCH], env={"COLUMNS": "80"}
    )
    assert ran.exit_code == 0, ran.output
    assert "the segment's labels alone" in " ".join(ran.output.split())
    query = shlex.split(ran.output.partition("next: ")[2])[3]
    with sqlscore.connect(path, read_only=True) as reader:  # what it names as the next step is one
        assert [0 <= p <= 1 for _, p in reader.execute(query).fetchall()] == [True] * 5


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.01, 0.99), st.floats(0.01, 0.99)), min_size=1, max_size=40))
def test_a_head_is_never_better_than_itself_and_the_difference_is_the_mean(
    rows: list[tuple[int, float, float]],
) -> None:
    user = np.array([row[0] for row in rows])
    one, other = (np.array([[1 - row[i], row[i]] for row in rows]) for i in (1, 2))
    labels = Labels("yes_no", ("false", "true"), np.ones(len(rows)), np.zeros(len(rows), np.int64), None, user)
    everything = np.arange(len(rows))
    assert not compare(labels, everything, one, one).is_better
    found = compare(labels, everything, one, other)
    assert found.difference == pytest.approx(np.mean(np.log(other[:, 1]) - np.log(one[:, 1])))
    assert found.low <= found.difference <= found.high
    back = compare(labels, everything, other, one)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
