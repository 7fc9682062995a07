"""Columns that are not mapped: what is said of them, on a table whose every column was planted."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from planted_columns import planted

import sqlscore
from sqlscore.cli.mapping_shown import show_mapping
from sqlscore.mapping.candidates import Candidate


@pytest.fixture(scope="module")
def found() -> dict[str, Candidate]:
    with sqlscore.connect() as con:
        planted(con)
        return {candidate.name: candidate for candidate in sqlscore.map_events(con, "log").candidates}


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("mood", None),
        ("noise", None),
        ("amount", None),
        ("home", "one value a user"),
        ("outcome", "known only afterwards?"),
        ("waited", "known only afterwards?"),
        ("row id", "nearly one value an event"),
        ("what", "is the action itself"),
        ("sort", "follows from the action"),
        ("source", "always the same"),
        ("stored_at", "a time: cast it in a view"),
        ("tags", "no category or number: cast it in a view"),
    ],
)
def test_each_planted_column_gets_its_remark(found: dict[str, Candidate], column: str, hint: str | None) -> None:
    """A leak that is tried wins; a column that helps and isn't shown is lost."""
    assert found[column].hint == hint


def test_counts_and_kinds_are_those_of_the_events(found: dict[str, Candidate]) -> None:
    """What is shown is what is there."""
    assert (found["mood"].kind, found["mood"].n_values) == ("categorical", 2)
    assert found["amount"].kind == "numeric"
    assert found["noise"].null_share == pytest.approx(0.2, abs=0.03)
    assert list(found) == [name for name in COLUMNS if name in found]
    assert not {"user_id", "event_time", "event_type"} & set(found)


COLUMNS = [
    "mood", "noise", "amount", "home", "outcome", "waited", "row id", "what", "sort", "source", "stored_at", "tags",
]  # fmt: skip


def test_mapped_columns_are_no_candidates_and_status_names_those_that_are_left() -> None:
    """Somebody who mapped all that helps is not asked again."""
    with sqlscore.connect() as con:
        planted(con)
        report = sqlscore.map_events(con, "log", features=["mood"])
        assert "mood" not in {candidate.name for candidate in report.candidates}
        assert sqlscore.status(con).mappings[0].unmapped_columns == ("noise", "amount")
        assert report.to_dict()["candidates"][0]["name"] == "noise"


def test_the_table_fits_eighty_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names are folded or have lines of their own, and none is cut."""
    monkeypatch.setattr("sqlscore.cli.render._WIDTH_OF_PIPES", 80)
    with sqlscore.connect() as con:
        planted(con)
        con.execute(f'ALTER TABLE log RENAME mood TO "{"mood_of_" * 9}day"')
        show_mapping(sqlscore.map_events(con, "log").to_dict())
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("columns that are not mapped"))
    end = next(i for i, line in enumerate(lines) if "--features auto" in line)
    assert max(map(len, lines[start:end])) <= 80
    assert any("known only afterwards?" in line for line in lines[start:end])
    assert f"{'mood_of_' * 9}day" in "".join(line.strip() for line in lines[start:end])


def test_a_table_of_three_columns_has_no_candidates(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing is shown where nothing is left."""
    con.execute(
        "CREATE TABLE log AS SELECT i % 5 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time, "
        "'a' AS event_type FROM range(50) t(i)"
    )
    report: Any = sqlscore.map_events(con, "log")
    assert report.candidates == ()
