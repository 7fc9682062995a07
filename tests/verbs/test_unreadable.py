"""Events that are not where they were mapped: each verb that reads them says so in the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from small_shop import open_shop

import sqlscore
from sqlscore.errors import MappingError

VERBS: dict[str, Callable[[duckdb.DuckDBPyConnection], Any]] = {
    "refresh": sqlscore.refresh,
    "train": lambda con: sqlscore.train(con, architecture="markov"),
    "evaluate": sqlscore.evaluate,
    "backtest": lambda con: sqlscore.backtest(con, every="1 day"),
    "compare": lambda con: sqlscore.compare(con, architectures=("markov",)),
    "search": lambda con: sqlscore.search(con, trials=1),
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
    with pytest.raises(
        MappingError, match=rf'(?s)the events mapped as "events" cannot be read: .*{missing}.*map them again'
    ):
        VERBS[verb](con)
