"""Of an export in the vendor's form, exactly the planted events are read: whose, which, in which order."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from made_exports import MADE, read_events
from same_scores import assert_equal_to_full
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register

PRESETS = tuple(MADE)
WITHOUT_DEVICES = ("adobe", "amplitude")
"""Who a user is stands in each row: the vendor resolved it."""


@pytest.mark.parametrize("preset", PRESETS)
def test_the_planted_truth_is_recovered(preset: str, con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Duplicates, ties that the alphabet gets wrong, devices before their login, late rows, rows that are no events."""
    made = MADE[preset](tmp_path)
    report = sqlscore.map_export(con, preset, made.paths)
    assert read_events(con, report.events.mapping.order) == made.truth
    told = sum(count for what, count in report.rules.items() if "delivered again" in what)
    assert told == made.repeated
    assert report.events.profile.n_excluded == made.excluded


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.slow
def test_incremental_is_full_when_rows_come_late_and_again_and_a_login_is_learned(
    preset: str, con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """The same export a little later: the newest events, some older ones, copies, and users of devices."""
    first = MADE[preset](tmp_path, 60, 1, 0.97)
    report = sqlscore.map_export(con, preset, first.paths)
    con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
    register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    later = MADE[preset](tmp_path, 60, 1, 1.0)
    assert set(first.truth) - set(later.truth) or preset in WITHOUT_DEVICES, "no login is learned: plant one"
    if set(later.paths) != set(first.paths):
        sqlscore.map_export(con, preset, later.paths)
    assert sqlscore.refresh(con).kind == "incremental"
    assert read_events(con, report.events.mapping.order) == later.truth
    assert_equal_to_full(con)
