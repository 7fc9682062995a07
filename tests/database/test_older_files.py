"""A file that an older sqlscore made still opens, scores and refreshes.

`files/format_2.duckdb.xz` was made by sqlscore 0.1.0 before its modules moved (artifact format 2), with DuckDB 2.0.1:
150 customers of the simulated shop, mapped from `clicks` with brand and price; the models `events@1` (markov),
`small@1` (gru, the champion) and `folded@1` (mingru); one refresh with history; and in the table `expected` what
`score_events` returned for each user and model.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.database.objects import installed_version, version

OLD = Path(__file__).parent / "files" / "format_2.duckdb.xz"
MODELS = {"markov": "events@1", "small": "small@1", "folded": "folded@1"}


@pytest.fixture
def old(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path / "old.duckdb"
    path.write_bytes(lzma.decompress(OLD.read_bytes()))
    with sqlscore.connect(path, threads=1) as con:
        yield con


@pytest.mark.parametrize("column", MODELS)
def test_a_model_of_an_older_file_gives_the_scores_that_it_gave(old: duckdb.DuckDBPyConnection, column: str) -> None:
    (n, differ, furthest) = old.execute(
        f"""WITH now AS (SELECT user_id, score_events(c, model := ?) AS s FROM clicks c GROUP BY user_id)
            SELECT count(*), count(*) FILTER (now.s.next_action IS DISTINCT FROM e.{column}.next_action),
                   max(abs(now.s.next_action_probability - e.{column}.next_action_probability)
                       + abs(coalesce(now.s.churn_risk, 0) - coalesce(e.{column}.churn_risk, 0)))
            FROM now JOIN expected e USING (user_id)""",
        [MODELS[column]],
    ).fetchall()[0]
    assert (n, differ) == (150, 0)
    assert furthest < 1e-5


def test_an_older_file_keeps_its_models_and_scores_and_refreshes(old: duckdb.DuckDBPyConnection) -> None:
    before = old.sql("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    assert {m.label: m.is_champion for m in sqlscore.list_models(old)} == {
        "events@1": False,
        "small@1": True,
        "folded@1": False,
    }
    old.execute(
        "INSERT INTO clicks SELECT * REPLACE (event_time + INTERVAL 1 MINUTE AS event_time) FROM clicks LIMIT 1"
    )
    report = sqlscore.refresh(old)
    after = old.sql("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    full = sqlscore.refresh(old, full=True)
    again = old.sql("SELECT user_id, next_action, churn_risk FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    assert len(before) == len(after) == report.tables["scored_users"] == full.tables["scored_users"] == 150
    assert [(user, action, pytest.approx(risk, abs=1e-4)) for user, action, risk in again] == after
    assert old.sql("SELECT count(*) FROM sqlscore.past_scores").fetchall() == [(150,)]


def test_scores_of_an_older_file_say_who_is_active(old: duckdb.DuckDBPyConnection) -> None:
    """The columns that its tables lack are there once it is opened, before any refresh, and after one."""
    lookback = "(SELECT CAST(manifest ->> 'lookback_seconds' AS DOUBLE) FROM sqlscore.models WHERE name = 'small')"
    query = f"""SELECT count(*), count(*) FILTER (is_active = (last_event_time > as_of - to_seconds({lookback}))),
                    count(*) FILTER (days_silent = (epoch_us(as_of) - epoch_us(last_event_time)) / 864e8)
                FROM sqlscore.scored_users"""
    assert old.sql(query).fetchall() == [(150, 150, 150)]
    comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'scored_users' AND column_name = 'days_silent'"
    assert old.sql(comment).fetchall() == [("Days from the last event to as_of.",)]
    sqlscore.refresh(old, full=True)
    assert old.sql(query).fetchall() == [(150, 150, 150)]
    assert old.sql(comment).fetchall() == [("Days from the last event to as_of.",)]


def test_an_older_file_is_upgraded_once(tmp_path: Path) -> None:
    """The first connection installs this version's functions, views and comments, the second finds nothing to do."""
    path = tmp_path / "old.duckdb"
    path.write_bytes(lzma.decompress(OLD.read_bytes()))
    views = "SELECT view_name, view_oid FROM duckdb_views() WHERE schema_name = 'sqlscore' ORDER BY ALL"
    with sqlscore.connect(path) as con:
        assert installed_version(con) == version()
        assert [mapping.name for mapping in sqlscore.status(con).mappings] == ["events"]
        described = "SELECT comment FROM duckdb_tables() WHERE schema_name = 'sqlscore' AND table_name = 'models'"
        assert con.sql(described).fetchall() == [("The registered models, one row per version, artifact included.",)]
    with duckdb.connect(path) as con:
        upgraded = con.sql(views).fetchall()
    with sqlscore.connect(path):
        pass
    with duckdb.connect(path) as con:
        assert con.sql(views).fetchall() == upgraded
