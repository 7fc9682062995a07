"""XES and OCEL through the door: mapped as they are to be, read anew as a whole, and as they were after a failure."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from command_line import run
from made_exports import read_events
from same_scores import assert_equal_to_full
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import MappingError
from sqlscore.simulation.claims import Claims, simulate_claims
from sqlscore.simulation.ocel_file import write_ocel
from sqlscore.simulation.purchases import simulate_purchases
from sqlscore.simulation.xes_file import write_xes


def truth(claims: Claims, lifecycle: str = "complete") -> dict[str, list[tuple[int, str]]]:
    """The events of each claim as (µs, action), in the order in which they were done."""
    found: dict[str, list[tuple[int, str]]] = {}
    columns = claims.events.set_column(2, "event_time", claims.events["event_time"].cast("int64"))
    for row in columns.to_pylist():
        if lifecycle in (row["lifecycle"], "all"):
            found.setdefault(row["case"], []).append((row["event_time"], row["event_type"]))
    return found


def content(con: duckdb.DuckDBPyConnection) -> list[object]:
    """All user tables and views with their rows, and what is mapped."""
    names = con.execute(
        """SELECT table_name FROM information_schema.tables
           WHERE table_catalog = current_database() AND table_schema = 'main' ORDER BY 1"""
    ).fetchall()
    rows = [(name, con.execute(f'FROM "{name}" ORDER BY ALL').fetchall()) for (name,) in names]
    return [*rows, con.execute("SELECT mapping FROM sqlscore.mappings ORDER BY name").fetchall()]


@pytest.mark.parametrize("lifecycle", [None, "complete", "START", "all"])
def test_the_events_of_one_transition_are_read_in_the_order_of_the_document(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, lifecycle: str | None
) -> None:
    """Unless another is named, of several transitions the completed ones; what is left out is counted."""
    claims = simulate_claims(40, seed=5)
    write_xes(claims, tmp_path / "log.xes")
    options = {} if lifecycle is None else {"lifecycle": lifecycle}
    report = sqlscore.map_export(con, "xes", tmp_path / "log.xes", options=options)
    wanted = (lifecycle or "complete").lower()
    assert report.events.mapping.order == ("position",)
    assert read_events(con, ("position",)) == truth(claims, wanted)
    by_transition = {name: claims.events["lifecycle"].to_pylist().count(name) for name in ("start", "complete")}
    left = {} if wanted == "all" else {name: n for name, n in by_transition.items() if name != wanted}
    told = {what: count for what, count in report.rules.items() if "transition" in what}
    assert told == {f"rows of transition {name}, left out": count for name, count in left.items()}


def test_an_unknown_transition_is_answered_with_those_that_there_are(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """And the file is as it was."""
    write_xes(simulate_claims(5), tmp_path / "log.xes")
    before = content(con)
    with pytest.raises(MappingError, match=r"transition 'done' \(transitions: complete \(\d+\), start \(\d+\)\)"):
        sqlscore.map_export(con, "xes", tmp_path / "log.xes", options={"lifecycle": "done"})
    assert content(con) == before


def test_without_a_completed_transition_all_count_and_this_is_said(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Some logs keep a status there."""
    write_xes(simulate_claims(5), tmp_path / "log.xes")
    text = (tmp_path / "log.xes").read_text(encoding="utf-8").replace('"complete"', '"resolved"')
    (tmp_path / "log.xes").write_text(text, encoding="utf-8")
    report = sqlscore.map_export(con, "xes", tmp_path / "log.xes")
    assert report.events.profile.n_events == simulate_claims(5).events.num_rows
    assert any("no lifecycle transition 'complete' but resolved (" in said for said in report.events.warnings)


def test_incremental_is_full_when_the_log_has_grown(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The table is replaced, the scores stay, and only cases that are new are scored."""
    path = tmp_path / "log.xes.gz"
    write_xes(simulate_claims(60, seed=6), path)
    sqlscore.map_export(con, "xes", path)
    con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
    register(con, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    grown = simulate_claims(64, seed=6)
    write_xes(grown, path)
    report = sqlscore.map_export(con, "xes", path)
    assert report.events.unchanged
    assert any('"xes_events_log" was read anew' in said for said in report.events.warnings)
    refreshed = sqlscore.refresh(con)
    assert (refreshed.kind, refreshed.n_users_encoded) == ("incremental", 4)
    assert read_events(con, ("position",)) == truth(grown)
    assert_equal_to_full(con)


@pytest.mark.parametrize("failing", ["cut file", "no such column", "edited view"])
def test_a_log_that_cannot_be_mapped_leaves_the_older_one(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, failing: str
) -> None:
    """Whether reading fails or what follows it: table, view, mapping and scores are one."""
    path = tmp_path / "log.xes"
    write_xes(simulate_claims(30, seed=6), path)
    sqlscore.map_export(con, "xes", path)
    if failing == "edited view":
        con.execute("CREATE OR REPLACE VIEW xes_events AS FROM xes_events_log WHERE event_type <> 'register'")
    before = content(con)
    write_xes(simulate_claims(40, seed=6), path)
    if failing == "cut file":
        path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(MappingError):
        sqlscore.map_export(con, "xes", path, features=["nothing"] if failing == "no such column" else [])
    assert content(con) == before


def test_a_table_of_the_users_own_is_not_replaced(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Whatever its name is."""
    write_xes(simulate_claims(5), tmp_path / "log.xes")
    con.execute("CREATE TABLE XES_events_LOG AS SELECT 1 AS mine")
    with pytest.raises(MappingError, match='"xes_events_log" is a table or view that --from did not make'):
        sqlscore.map_export(con, "xes", tmp_path / "log.xes")
    assert con.execute("FROM xes_events_log").fetchall() == [(1,)]


def test_two_logs_are_two_mappings(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Each has a table of its own; two files under one name are refused, as nothing says how they belong together."""
    claims, purchases = simulate_claims(5), simulate_purchases(20)
    write_xes(claims, tmp_path / "log.xes")
    write_ocel(purchases, tmp_path / "log.json")
    sqlscore.map_export(con, "xes", tmp_path / "log.xes")
    of = {kind: sqlscore.map_export(con, "ocel", tmp_path / "log.json", name=kind, options={"object_type": kind})
          for kind in ("orders", "items")}  # fmt: skip
    assert of["orders"].events.profile.n_users == 20
    assert of["items"].events.profile.n_users == purchases.objects["object_type"].to_pylist().count("items")
    assert read_events(con, ("position",)) == truth(claims)
    with pytest.raises(MappingError, match="reads one file, and 2 are named"):
        sqlscore.map_export(con, "xes", [tmp_path / "log.xes", tmp_path / "log.json"])
    with pytest.raises(MappingError, match="there is no file"):
        sqlscore.map_export(con, "xes", tmp_path / "none.xes")


def test_the_view_is_shown_without_reading_into_the_file(tmp_path: Path) -> None:
    """--show-sql changes nothing, and makes no file."""
    write_xes(simulate_claims(5), tmp_path / "log.xes")
    shown = run("init", str(tmp_path / "new.duckdb"), "--from", "xes", str(tmp_path / "log.xes"), "--show-sql")
    assert 'FROM "main"."xes_events_log"\nWHERE lifecycle IS NULL OR lower(lifecycle) = \'complete\'' in shown.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.xes"]
