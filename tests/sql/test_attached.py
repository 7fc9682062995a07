"""Whatever is attached and current: a macro or function reads its own file, or raises. A view always reads its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.sql.belonging import IN_VIEW
from sqlscore.sql.objects import objects, objects_of

Connect = Callable[..., duckdb.DuckDBPyConnection]

MACROS = {
    "session_events_with": "gap := '30 minutes'",
    "sessions_with": "gap := '30 minutes'",
    "session_stats_with": "",
    "churn_labels_inactivity": "horizon := INTERVAL 1 HOUR",
    "churn_labels_first_touch": "",
    "churn_labels_lapsed": "",
    "churn_horizons_with": "",
    "scored_segments_with": "",
    "transitions_with": "",
    "action_stats_with": "horizon := INTERVAL 1 HOUR",
    "feature_prospects": "'view'",
    "paths": "",
    "funnel": "['view', 'cart']",
    "cohort_retention_with": "",
    "lifecycle_with": "",
    "rfm": "",
    "unknown_rate": "'m@1'",
    "tested_thresholds": "'m@1'",
    "score_diff": "'m@1', 'm@1'",
    "step_roles": "horizon := INTERVAL 1 HOUR",
    "user_signs": "horizon := INTERVAL 1 HOUR",
    "driver_stats": "horizon := INTERVAL 1 HOUR",
    "similar_users": "0",
    "similar_habits": "horizon := INTERVAL 1 HOUR, min_stayed := 1",
    "user_signals_with": "risk_from := 0, horizon := INTERVAL 1 HOUR",
    "intervention_outcomes_with": "",
}
"""Every macro that reads tables by names of its own, with arguments."""

OF_SCORES = (
    "churn_horizons_with", "score_diff", "scored_segments_with", "user_signs", "driver_stats", "similar_habits",
    "similar_users",
    "user_signals_with",
)  # fmt: skip
"""Those that read scores, which need a model where nobody was scored yet."""

FUNCTIONS = {
    "row": "SELECT user_id, {}.main.churn_risk(e) FROM {}.main.e e GROUP BY user_id",
    "row with a moment": "SELECT {}.main.churn_risk(e, as_of := '2024-02-01') FROM {}.main.e e GROUP BY user_id",
    "row without a moment": "SELECT user_id, {}.main.predict_next_action(e) FROM {}.main.e e GROUP BY user_id",
    "list": "SELECT {}.main.list_predict_next_action(['view']) FROM {}.main.e LIMIT 1",
    "path": "SELECT {}.main.list_predict_path(['view']) FROM {}.main.e LIMIT 1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files `here` and `there` with the same mapping, other users and another model; a copy of `here`; a plain one."""
    folder = tmp_path_factory.mktemp("attached")
    for name, users, start, actions in (("here", 50, "2024-01-01", "view,cart,buy"), ("there", 9, "2025-01-01", "a,b")):
        with sqlscore.connect(folder / f"{name}.duckdb", threads=1) as con:
            con.execute(
                f"""CREATE TABLE e AS
                    SELECT i % {users} AS user_id, TIMESTAMP '{start}' + to_minutes(i * 37) AS event_time,
                    (['view', 'cart', 'buy'])[1 + i * i % 3] AS event_type, i * 0.5 AS price FROM range(300) t(i)"""
            )
            sqlscore.map_events(con, "e", features=["price"])
            # the model of `there` knows other actions, so that its answers are told apart
            con.execute("UPDATE sqlscore.guards SET threshold = 1 WHERE name = 'unknown_share'")
            artifact = tiny_artifact(tuple(actions.split(",")), numeric=("price",))
            register(con, artifact, name="m", mapping="events", champion=True, verb="train")
            sqlscore.refresh(con, vectors=True)
    shutil.copy(folder / "here.duckdb", folder / "copy.duckdb")
    duckdb.connect(folder / "plain.duckdb").close()
    return folder


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return sorted(map(str, con.execute(query).fetchall()))


def alone(folder: Path, name: str, connect: Connect, *queries: str) -> list[list[str]]:
    with connect(folder / f"{name}.duckdb") as con:
        return [rows(con, query) for query in queries]


def opened(folder: Path, connect: Connect, others: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    con = connect(folder / "here.duckdb")
    for other in others:
        con.execute(f"ATTACH '{folder / other}.duckdb' AS {other} (READ_ONLY)")
    return con


def test_the_macros_of_this_test_are_those_that_read_tables() -> None:
    """A new one is guarded, or is tested here."""
    by_name = {item.name: item.text for item in objects_of(7)}
    assert {name for name, text in by_name.items() if f"{IN_VIEW} := FALSE" in text} == set(MACROS)
    for item in objects():
        if item.kind == "macro" and item.name not in MACROS:
            assert not re.search(r"\b(FROM|JOIN) sqlscore\.\w+ AS", item.text), item.name


@pytest.mark.parametrize("connect", [duckdb.connect, sqlscore.connect], ids=["duckdb", "sqlscore"])
@pytest.mark.slow
def test_a_macro_reads_its_own_file_or_raises(folder: Path, connect: Connect) -> None:
    """In every DuckDB, whatever is current: it answers if its file is, and says so if not."""
    calls = {name: call for name, call in MACROS.items() if name != "score_diff"}  # which scores: see below
    expected = {name: alone(folder, name, connect, *_calls(calls)) for name in ("here", "there")}
    with opened(folder, connect, ("there", "plain")) as con:
        for current in ("here", "there", "plain"):
            con.execute(f"USE {current}")
            for name in ("here", "there"):
                queries = _calls(calls, f"{name}.")
                if current == name:
                    assert [rows(con, query) for query in queries] == expected[name]
                    continue
                for query in queries:
                    with pytest.raises(duckdb.Error) as refused:
                        con.execute(query).fetchall()
                    said = "does not exist" if current == "plain" else "USE its name"
                    assert said in str(refused.value), (query, current)


def _calls(macros: dict[str, str], file: str = "") -> list[str]:
    return [f"FROM {file}sqlscore.{name}({arguments})" for name, arguments in macros.items()]


@pytest.mark.parametrize("mapped", [True, False])
def test_an_empty_current_file_is_no_way_around(folder: Path, mapped: bool) -> None:
    """No rows are no answer either: of a table without events, or of a database in which nothing is mapped yet."""
    with sqlscore.connect() as con:
        if mapped:
            con.execute(
                "CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type"
            )
            sqlscore.map_events(con, "e")
            con.execute("DELETE FROM e")
        con.execute(f"ATTACH '{folder / 'there'}.duckdb' AS there (READ_ONLY)")
        unscored = {name: call for name, call in MACROS.items() if name not in OF_SCORES}
        for query in _calls(unscored, "there."):
            with pytest.raises(duckdb.InvalidInputException, match="belongs to another database file"):
                con.execute(query).fetchall()


def test_views_and_tables_of_every_attached_file_are_its_own(folder: Path) -> None:
    """A copy's too, whatever is current; here those that call macros, or read what such ones read."""
    views = ["events", "high_water", "segment_summary", "session_stats", "transitions", "action_stats", "lifecycle"]
    names = ("here", "there", "copy")
    expected = {name: alone(folder, name, duckdb.connect, *(f"FROM sqlscore.{v}" for v in views)) for name in names}
    with opened(folder, duckdb.connect, ("there", "copy", "plain")) as con:
        for current in ("here", "there", "plain"):
            con.execute(f"USE {current}")
            for name, answers in expected.items():
                assert [rows(con, f"FROM {name}.sqlscore.{view}") for view in views] == answers, (current, name)


def test_a_macro_of_one_of_two_copies_raises(folder: Path) -> None:
    """They have the same number, so neither is known; the remedy works."""
    with opened(folder, duckdb.connect, ("copy",)) as con:
        for name in ("here", "copy"):
            with pytest.raises(duckdb.InvalidInputException, match="copies of one sqlscore file.*DETACH"):
                con.execute(f"FROM {name}.sqlscore.rfm()").fetchall()
        con.execute("DETACH copy")
        assert len(con.execute("FROM here.sqlscore.rfm()").fetchall()) == 50


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_function_of_one_of_two_copies_raises(folder: Path, kind: str) -> None:
    """A copy of last month has another champion and other events, and the same number."""
    query = FUNCTIONS[kind]
    (expected,) = alone(folder, "here", sqlscore.connect, query.format("here", "here"))
    with opened(folder, sqlscore.connect, ("copy",)) as con:
        for name in ("here", "copy"):
            with pytest.raises(duckdb.InvalidInputException, match="copies of one sqlscore file.*DETACH"):
                con.execute(query.format(name, name)).fetchall()
        con.execute("DETACH copy")
        assert rows(con, query.format("here", "here")) == expected


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_functions_of_an_attached_file_never_use_the_models_of_another(folder: Path, kind: str) -> None:
    """Although the mapping is the same in both; those of the open file go on, if they need no table."""
    query = FUNCTIONS[kind]
    (expected,) = alone(folder, "here", sqlscore.connect, query.format("here", "here"))
    with opened(folder, sqlscore.connect, ("there", "plain")) as con:
        for current in ("here", "there", "plain"):
            con.execute(f"USE {current}")
            with pytest.raises(duckdb.Error, match=r"belongs? to another|does not exist"):
                con.execute(query.format("there", "there")).fetchall()
            if current == "here" or "churn" not in query:
                assert rows(con, query.format("here", "here")) == expected
            else:
                with pytest.raises(duckdb.Error, match=r"USE its name|does not exist"):
                    con.execute(query.format("here", "here")).fetchall()
        con.execute("USE here")
        with pytest.raises(duckdb.Error, match="belong to another file"):
            con.execute("FROM there.sqlscore.live_scored_users").fetchall()


def test_a_file_keeps_its_number_when_its_objects_are_made_anew(folder: Path, tmp_path: Path) -> None:
    """A second file never gets the same; a lost table of versions gives a new one, and macros that know it."""
    numbers = []
    for name in ("here", "there"):
        with duckdb.connect(folder / f"{name}.duckdb", read_only=True) as con:
            numbers += con.execute("SELECT value FROM sqlscore.meta WHERE key = 'file'").fetchall()
    assert numbers[0] != numbers[1]
    path = Path(shutil.copy(folder / "here.duckdb", tmp_path / "again.duckdb"))
    with duckdb.connect(path) as con:
        con.execute("DELETE FROM sqlscore.meta WHERE key = 'objects'")
    with sqlscore.connect(path) as con:
        assert con.execute("SELECT value FROM sqlscore.meta WHERE key = 'file'").fetchall() == [numbers[0]]
        con.execute("DROP TABLE sqlscore.meta")
    with pytest.warns(UserWarning, match=r"sqlscore\.meta"):
        con = sqlscore.connect(path)
    with con:
        assert len(con.execute("FROM sqlscore.rfm()").fetchall()) == 50
        assert len(con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()) == 50
