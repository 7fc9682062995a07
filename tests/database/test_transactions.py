"""Two changes at once: one is done, the other says so and changes nothing."""

from __future__ import annotations

import duckdb
import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.database import transactions
from sqlscore.database.transactions import recorded, transaction
from sqlscore.errors import InstallError
from sqlscore.score_tables.mark import write_mark
from sqlscore.verbs import refresh as refreshing

FAILED = "SELECT message FROM sqlscore.runs WHERE status = 'failed'"
SAID = "another change of the same tables was under way, so nothing was changed: run it again"


def test_a_conflict_at_the_commit_is_named(con: duckdb.DuckDBPyConnection) -> None:
    """A failed COMMIT ends the transaction: the rollback after it once failed and took the reason's place."""
    con.execute("CREATE TABLE t (i INTEGER)")
    with con.cursor() as one, con.cursor() as other:

        def insert() -> None:
            with recorded(one, "change", "events"), transaction(one):
                one.execute("INSERT INTO t VALUES (1)")
                other.execute("ALTER TABLE t ADD COLUMN j INTEGER")

        with pytest.raises(InstallError, match=SAID):
            insert()
        one.execute("SELECT 1")
    assert con.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
    rows = con.execute(FAILED).fetchall()
    assert len(rows) == 1
    assert rows[0][0].startswith(f"InstallError: {SAID}")


def test_the_record_of_runs_is_bounded(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh a minute would else add half a million rows a year; other verbs and mappings keep theirs."""
    monkeypatch.setattr(transactions, "KEPT_RUNS", 20)
    for verb, mapping, times in (("train", "events", 3), ("refresh", "orders", 4), ("refresh", "events", 43)):
        for number in range(times):
            with recorded(con, verb, mapping) as details:
                details["number"] = number
    kept = """SELECT verb, mapping, count(*), min(CAST(details ->> 'number' AS INTEGER)),
                  max(CAST(details ->> 'number' AS INTEGER)) FROM sqlscore.runs GROUP BY ALL ORDER BY ALL"""
    assert con.execute(kept).fetchall() == [
        ("refresh", "events", 22, 21, 42),
        ("refresh", "orders", 4, 0, 3),
        ("train", "events", 3, 0, 2),
    ]


@pytest.mark.parametrize("refreshed", [False, True])
def test_of_two_refreshes_at_once_one_says_that_the_other_was_under_way(
    monkeypatch: pytest.MonkeyPatch, refreshed: bool
) -> None:
    """Whether the tables are there or not; the loser's row in `runs` has the same sentence."""
    con = open_shop()
    if refreshed:
        sqlscore.refresh(con)
        con.execute("INSERT INTO e VALUES (1, TIMESTAMP '2024-01-02', 'view', 1)")

    def slowly(*arguments: object) -> None:
        monkeypatch.setattr(refreshing, "write_mark", write_mark)
        with con.cursor() as other:
            sqlscore.refresh(other)
        write_mark(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(refreshing, "write_mark", slowly)
    with pytest.raises(InstallError, match=SAID):
        sqlscore.refresh(con)
    rows = con.execute(FAILED).fetchall()
    assert rows
    assert all(SAID in message for (message,) in rows)
    assert sqlscore.refresh(con).tables["scored_users"] == 5


def test_other_errors_of_a_transaction_stay_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ZeroDivisionError), transaction(con):
        raise ZeroDivisionError
    with pytest.raises(duckdb.ConversionException), transaction(con):
        con.execute("SELECT CAST('x' AS INTEGER)").fetchall()
    con.execute("BEGIN; ROLLBACK")
