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
