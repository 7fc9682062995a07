"""`repair` of whatever somebody did to a table: a small share of `benchmarks/damages.py`, and all tables at once."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from damaged_shop import TABLES, base, edits
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_shop import ARTIFACTS

import sqlscore
from sqlscore.database.damage import damage_in
from sqlscore.scoring.manifest import sha256_of

LEFT = ("models", "mappings")
"""Without its bytes a model is lost, and with the record of runs the events that were mapped."""


def assert_repaired(path: Path) -> None:
    """Nothing was lost, nothing is left to do, and the file scores."""
    with warnings.catch_warnings(action="ignore"):
        assert sqlscore.repair(path).lost == ()
        again = sqlscore.repair(path, dry_run=True)
        assert (again.done, again.lost) == ((), ())
        with sqlscore.connect(path) as con:
            assert sqlscore.refresh(con).model.startswith("m@")
            assert con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()


def changed(path: Path, statements: Iterable[str]) -> int:
    """How many of the changes the engine makes, all in one copy."""
    shutil.copy(base(), path)
    made = 0
    with duckdb.connect(path) as plain:
        for statement in statements:
            with suppress(duckdb.Error):
                plain.execute(statement)
                made += 1
    return made


@pytest.mark.parametrize("what", ["DROP TABLE", "DELETE FROM"])
def test_all_tables_but_the_models_and_the_mappings_can_go_at_once(tmp_path: Path, what: str) -> None:
    """But for a table that triggers write to, which the engine does not drop."""
    path, tables = tmp_path / "shop.duckdb", [table for table in TABLES if table not in LEFT]
    assert changed(path, (f"{what} sqlscore.{table}" for table in tables)) >= len(tables) - 1
    assert_repaired(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("past_scores ALTER lookback_seconds TYPE VARCHAR", "lookback_seconds of sqlscore.past_scores is DOUBLE again"),
        ("scored_users ALTER churn_risk TYPE VARCHAR", "sqlscore.scored_users was dropped to be made anew: a column"),
    ],
)
def test_a_column_of_another_type_is_mended(tmp_path: Path, change: str, said: str) -> None:
    """Views over the table cannot be made then, and the engine ends a transaction in which that fails."""
    path = tmp_path / "shop.duckdb"
    assert changed(path, [f"ALTER TABLE sqlscore.{change}"]) == 1
    before = path.read_bytes()
    assert any(line.startswith(said) for line in sqlscore.repair(path, dry_run=True).done)
    assert path.read_bytes() == before
    assert any(line.startswith(said) for line in sqlscore.repair(path).done)
    assert_repaired(path)


def test_values_that_a_column_of_its_own_type_cannot_hold_are_called_lost(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    change = "ALTER TABLE sqlscore.past_scores ALTER n_events TYPE VARCHAR USING n_events || ' events'"
    assert changed(path, [change]) == 1
    (loss,) = sqlscore.repair(path).lost
    assert loss.what == "5 values of n_events in sqlscore.past_scores are lost: they are no BIGINT"
    assert_repaired(path)


@settings(
    max_examples=2,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_an_edit_of_every_table_at_once_is_repaired_once(tmp_path: Path, data: st.DataObject) -> None:
    """Always the same ones, and a failure is shown as it was drawn: each try takes seconds."""
    path = tmp_path / "shop.duckdb"
    chosen = [data.draw(st.sampled_from(edits(table)), table) for table in TABLES if table not in LEFT]
    assert changed(path, chosen)
    assert_repaired(path)


@given(st.integers(0), st.integers(0, 7))
def test_no_flipped_bit_of_a_model_goes_unnoticed(place: int, bit: int) -> None:
    """A model of a few kilobytes: members of the zip, its directory, and the room between."""
    data = bytearray(ARTIFACTS[0])
    data[place % len(data)] ^= 1 << bit
    assert (damage_in(bytes(data), sha256_of(ARTIFACTS[0])) or "").endswith("it was changed or damaged")
