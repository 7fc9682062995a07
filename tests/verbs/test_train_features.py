"""train(features="auto"): a column that helps is added, noise and leaks are not, and each gain is told."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from planted_columns import planted

import sqlscore
from sqlscore.errors import MappingError, TrainingError
from sqlscore.experiments import columns

SMALL = {"embedding": 8, "hidden": 16, "width": 16}
TINY: dict[str, Any] = {"max_epochs": 8, "learning_rate": 0.01, "recency": 0.0, "churn": False, **SMALL}


@pytest.fixture(scope="module")
def trained() -> tuple[Any, Any, Any]:
    """(the model, the mapping afterwards, the status)."""
    with sqlscore.connect() as con:
        planted(con, users=100)
        sqlscore.map_events(con, "log")
        info = sqlscore.train(con, features="auto", **TINY)
        sqlscore.refresh(con)
        return info, con.sql("SELECT mapping FROM sqlscore.mappings").fetchall()[0][0], sqlscore.status(con)


@pytest.mark.slow
def test_the_column_that_helps_is_mapped_and_read(trained: tuple[Any, Any, Any]) -> None:
    """And nothing else is: noise, one value a user, and what was known only afterwards."""
    info, mapping, status = trained
    trials = {trial["name"]: trial for trial in info.notes["search"]["columns"]}
    assert {name for name, trial in trials.items() if trial["added"]} == {"mood"}
    assert trials["mood"]["gain"] > 0.1
    assert trials["noise"]["why"] == "no gain"
    assert trials["noise"]["gain"] < 0.02
    for name, why in (("home", "one value a user"), ("outcome", "known only afterwards?")):
        assert (trials[name]["gain"], trials[name]["why"]) == (None, why)
    assert '"mood"' in mapping
    assert '"noise"' not in mapping
    assert status.mappings[0].scored_users == status.mappings[0].n_users  # refresh reads the new column
    assert status.mappings[0].unmapped_columns == ("noise", "amount")


def test_scores_are_dropped_only_if_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another mapping drops score tables; that is asked before anything is trained, and the file stays as it is."""

    def choose(*_: Any) -> tuple[columns.Trial, ...]:
        return (columns.Trial("mood", "categorical", 0.1, 0.01, True),)

    monkeypatch.setattr(columns, "choose_columns", choose)
    with sqlscore.connect() as con:
        planted(con, users=60)
        sqlscore.map_events(con, "log")
        sqlscore.train(con, architecture="markov")
        sqlscore.refresh(con)
        with pytest.raises(MappingError, match=r"scored_users.* \(60 rows\).*force=True"):
            sqlscore.train(con, features="auto", **TINY)
        assert con.sql("SELECT count(*) FROM sqlscore.scored_users").fetchall() == [(60,)]
        info = sqlscore.train(con, features="auto", force=True, **{**TINY, "max_epochs": 1})
        assert info.label == "events@2"
        assert "scored_users" not in {name for (name,) in con.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert con.sql("SELECT count(DISTINCT mood) FROM sqlscore.events").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": "all"}, r"features='all'.*map_events\(features=\[\.\.\.\]\)"),
        ({"features": "auto", "architecture": "markov"}, 'architecture "markov" reads no columns'),
    ],
)
def test_what_cannot_be_done_says_what_can(
    con: duckdb.DuckDBPyConnection, options: dict[str, Any], message: str
) -> None:
    """A word that is no word, and a model that reads no columns."""
    planted(con, users=20)
    sqlscore.map_events(con, "log")
    with pytest.raises(TrainingError, match=message):
        sqlscore.train(con, **options)
