"""Events that are not where they were mapped: each verb that reads them says so in the same words."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.errors import MappingError, PublishError

VERBS: dict[str, Callable[[duckdb.DuckDBPyConnection], Any]] = {
    "refresh": sqlscore.refresh,
    "train": lambda con: sqlscore.train(con, architecture="markov"),
    "evaluate": sqlscore.evaluate,
    "backtest": lambda con: sqlscore.backtest(con, every="1 day"),
    "compare": lambda con: sqlscore.compare(con, architectures=("markov",)),
    "search": lambda con: sqlscore.search(con, trials=1),
    "publish": lambda con: sqlscore.publish(con, tempfile.mkdtemp(), tables=["action_stats"]),
    "transpile": lambda con: sqlscore.transpile(con, "sqlscore.sessions"),
    "score_history": lambda con: sqlscore.score_history(con, into="h"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "change", ["ALTER TABLE e RENAME COLUMN event_time TO happened_at", "ALTER TABLE e RENAME TO clicks"]
)
def test_every_verb_names_what_is_missing_and_the_remedy(verb: str, change: str) -> None:
    con = open_shop()
    con.execute(change)
    missing = (
        'no column "event_time" for event_time .columns: .*"happened_at"' if "COLUMN" in change else "does not exist"
    )
    said = rf'(?s)the events mapped as "events" cannot be read: .*{missing}.*map them again'
    with pytest.raises((MappingError, PublishError), match=said):
        VERBS[verb](con)


def test_a_plot_of_what_was_judged_says_so_too(tmp_path: Path) -> None:
    con = open_shop()
    con.execute(
        "INSERT INTO e SELECT i % 5, TIMESTAMP '2024-02-01' + to_minutes(57 * i), 'view', i FROM range(400) t(i)"
    )
    sqlscore.train(con, architecture="markov", promote=False)
    con.execute("ALTER TABLE e RENAME COLUMN event_time TO happened_at")
    with pytest.raises(MappingError, match='no column "event_time" for event_time .*"happened_at"'):
        sqlscore.plot(con, "confusion", tmp_path / "never.png", model="events@1")


@pytest.mark.parametrize("left", ["", "user_id,event_time,event_type,price\n"])
def test_a_file_that_was_emptied_is_said_to_be_empty(tmp_path: Path, left: str) -> None:
    """Of what is left the engine tells other types or columns, and casting these would mend nothing."""
    con = open_shop()
    path = tmp_path / "events.csv"
    con.execute(f"COPY e TO '{path}'")
    sqlscore.map_events(con, str(path), features=["price"], force=True)
    before = (sqlscore.refresh(con), con.execute("SELECT * FROM sqlscore.scored_users ORDER BY ALL").fetchall())[1]
    path.write_text(left)
    with pytest.raises(MappingError, match=r"read_csv\('.*'\) holds no row: .*map them again where they are now"):
        sqlscore.refresh(con)
    assert any("holds no row" in problem.what for problem in sqlscore.status(con).problems)
    assert con.execute("SELECT * FROM sqlscore.scored_users ORDER BY ALL").fetchall() == before
