"""Mapping again under the same name loses nothing unsaid: the same mapping changes nothing, another one asks first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from command_line import run, run_json
from small_shop import ARTIFACTS, open_shop
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import MappingError
from sqlscore.sql.names import REGISTRY_TABLES
from sqlscore.sql.objects import objects

Call = Callable[[duckdb.DuckDBPyConnection], Any]

SCORES = "SELECT user_id, churn_risk FROM sqlscore.scored_users ORDER BY user_id"
PAST = "SELECT count(*) FROM sqlscore.past_scores"


@pytest.fixture
def scored() -> duckdb.DuckDBPyConnection:
    """A shop with past scores of two models, one of them champion, and scores of the champion."""
    con = open_shop()
    sqlscore.refresh(con, keep_history=True)
    register(con, ARTIFACTS[2], name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con, keep_history=True)
    return con


def everything(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Every table and view with its number, of which the engine gives a new one to what is made anew, and all rows."""
    there = con.execute(
        """SELECT schema_name, table_name, table_oid FROM duckdb_tables() WHERE schema_name = 'sqlscore'
           UNION ALL SELECT schema_name, view_name, view_oid FROM duckdb_views() WHERE schema_name = 'sqlscore'
           UNION ALL SELECT schema_name, function_name, function_oid FROM duckdb_functions()
           WHERE database_name = current_database() AND NOT internal ORDER BY ALL"""
    ).fetchall()
    tables = ("mappings", "event_profiles", "models", "aliases", "champions", "runs", "past_scores", "leaderboard")
    return there + [row for name in tables for row in con.execute(f"FROM sqlscore.{name} ORDER BY ALL").fetchall()]


def test_the_same_mapping_again_changes_nothing_and_says_so(scored: duckdb.DuckDBPyConnection) -> None:
    """Not a row, not a view: provisioning scripts map at every start. What is in the events by now is reported."""
    before = everything(scored)
    scored.execute("INSERT INTO e VALUES (99, TIMESTAMP '2024-01-03', 'view', 1)")
    report = sqlscore.map_events(scored, "e", user_id="USER_ID", features=["price"])
    assert (report.unchanged, report.dropped, report.profile.n_users) == (True, {}, 6)
    assert everything(scored) == before


OTHER: dict[str, Call] = {
    "another table": lambda con: sqlscore.map_events(con, "f", features=["price"]),
    "another column": lambda con: sqlscore.map_events(con, "e", user_id="price"),
    "no feature": lambda con: sqlscore.map_events(con, "e"),
    "a cap": lambda con: sqlscore.map_events(con, "e", features=["price"], time_cap="2030-01-01"),
    "a prefix": lambda con: sqlscore.map_events(con, "e", features=["price"], prefix="my_"),
    "append-only": lambda con: sqlscore.map_events(con, "e", features=["price"], append_only=True),
}


@pytest.mark.parametrize("how", OTHER)
def test_another_mapping_says_what_it_would_drop_and_is_refused(scored: duckdb.DuckDBPyConnection, how: str) -> None:
    """With the numbers of rows, what stays, and the way out; nothing has changed then."""
    scored.execute("CREATE TABLE f AS FROM e; ALTER TABLE e ALTER price TYPE BIGINT")
    before = everything(scored)
    with pytest.raises(MappingError) as refused:
        OTHER[how](scored)
    for said in (
        '"sqlscore"."scored_users" (5 rows)',
        '"sqlscore"."user_states" (5 rows)',
        "would stay",
        '"sqlscore"."past_scores" (10 rows)',
        "force=True (--force)",
        "--mapping",
    ):
        assert said in str(refused.value)
    assert everything(scored) == before


def test_a_forced_mapping_drops_scores_alone_and_says_which(scored: duckdb.DuckDBPyConnection) -> None:
    """Models, the champion and its history, past scores and their judgement stay; the next refresh is a full one."""
    kept = [scored.execute(f"FROM sqlscore.{name} ORDER BY ALL").fetchall() for name in ("models", "champions")]
    judged = scored.execute("SELECT user_id, as_of, model, churn_risk FROM sqlscore.judged_past_scores ORDER BY ALL")
    before = judged.fetchall()
    report = sqlscore.map_events(scored, "e", features=["price"], time_cap="2030-01-01", force=True)
    assert list(report.dropped) == [
        f'"sqlscore"."{name}"' for name in ("scored_users", "scored_sessions", "user_states")
    ]
    assert report.kept == {'"sqlscore"."past_scores"': 10}
    assert [scored.execute(f"FROM sqlscore.{n} ORDER BY ALL").fetchall() for n in ("models", "champions")] == kept
    query = "SELECT user_id, as_of, model, churn_risk FROM sqlscore.judged_past_scores ORDER BY ALL"
    assert scored.execute(query).fetchall() == before
    (state,) = sqlscore.status(scored).mappings
    assert (state.champion, state.scored_users) == ("m@2", None)
    refreshed = sqlscore.refresh(scored)
    assert (refreshed.kind, refreshed.model) == ("full", "m@2")


def test_nothing_is_asked_where_nothing_would_be_dropped() -> None:
    """A mapping that was never scored is corrected by mapping again."""
    con = open_shop()
    report = sqlscore.map_events(con, "e", features=["price"], time_cap="2030-01-01")
    assert (report.unchanged, report.dropped) == (False, {})


def test_past_scores_follow_the_type_of_the_user_ids(scored: duckdb.DuckDBPyConnection) -> None:
    """They would no longer join; ids that cannot have the new type are said, and nothing is lost."""
    scored.execute("CREATE TABLE f AS SELECT * REPLACE (user_id::VARCHAR AS user_id) FROM e")
    sqlscore.map_events(scored, "f", features=["price"], force=True)
    query = "SELECT typeof(user_id), count(*), count(actual_action) FROM sqlscore.judged_past_scores GROUP BY ALL"
    assert scored.execute(query).fetchall() == [("VARCHAR", 10, 0)]
    scored.execute("CREATE TABLE g AS SELECT * REPLACE (uuid() AS user_id) FROM e")
    with pytest.raises(MappingError, match="of type VARCHAR, cannot be read as UUID.*CREATE TABLE old_past_scores"):
        sqlscore.map_events(scored, "g", features=["price"], force=True)
    assert scored.execute(query).fetchall() == [("VARCHAR", 10, 0)]


def test_the_same_mapping_mends_what_no_longer_fits(scored: duckdb.DuckDBPyConnection) -> None:
    """A view that somebody dropped, ids of another type than those of the past scores; nothing is dropped for it."""
    scored.execute("ALTER TABLE e ALTER user_id TYPE VARCHAR; DROP VIEW sqlscore.events CASCADE")
    assert sqlscore.map_events(scored, "e", features=["price"]).unchanged
    assert len(scored.execute("FROM sqlscore.events").fetchall()) == 40
    query = "SELECT typeof(user_id), count(*) FROM sqlscore.judged_past_scores GROUP BY ALL"
    assert scored.execute(query).fetchall() == [("VARCHAR", 10)]
    assert sqlscore.refresh(scored).tables["scored_users"] == 5
    before = everything(scored)
    assert sqlscore.map_events(scored, "e", features=["price"]).unchanged
    assert everything(scored) == before


def test_mappings_of_other_names_are_treated_alike_and_left_alone() -> None:
    """A second mapping keeps its own past scores, in its own schema."""
    con = open_shop()
    sqlscore.map_events(con, "e", features=["price"], name="b")
    register(con, ARTIFACTS[1], name="b", mapping="b", champion=True, verb="train")
    for name in ("events", "b"):
        sqlscore.refresh(con, mapping=name, keep_history=True)
    with pytest.raises(MappingError, match=r'"sqlscore_b"\."scored_users" \(5 rows\)'):
        sqlscore.map_events(con, "e", name="b")
    report = sqlscore.map_events(con, "e", features=["price"], name="b", append_only=True, force=True)
    assert report.kept == {'"sqlscore_b"."past_scores"': 5}
    assert len(con.execute(SCORES).fetchall()) == 5
    assert sqlscore.refresh(con, mapping="b").kind == "full"


def test_the_command_says_the_same(tmp_path: Path) -> None:
    """What it refuses is an error with the option; what it dropped and kept is printed."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.refresh(con, keep_history=True)
    init = ("init", path, "--events", "e")
    again = run(*init, "--feature", "price")
    assert again.exit_code == 0
    assert "mapped like this already: nothing was changed" in again.stdout
    assert "next: sqlscore refresh" in again.stdout
    refused = run(*init, "--feature", "price", "--append-only")
    assert refused.exit_code == 1
    assert "append_only: False, now True" in refused.stderr
    assert "--force" in refused.stderr
    forced = run(*init, "--feature", "price", "--append-only", "--force")
    assert forced.exit_code == 0
    assert 'dropped: "sqlscore"."scored_users" (5 rows)' in forced.stdout
    assert 'kept: "sqlscore"."past_scores" (5 rows)' in forced.stdout


@pytest.mark.parametrize("copy", [(), ("--copy",)])
def test_a_file_maps_the_same_twice_copied_or_not(tmp_path: Path, copy: tuple[str, ...]) -> None:
    """Words that look like booleans, times with Z and ids with zeros are read as they are written both ways."""
    rows = [
        f"0{i % 7},2025-01-0{1 + i % 7}T10:00:{i:02}Z,{'ab'[i % 2]},{('NO', 'YES')[i % 2]},{('true', 'false')[i % 2]}"
        for i in range(60)
    ]
    file = tmp_path / "log.csv"
    file.write_text("user_id,event_time,event_type,vip,member\n" + "\n".join(rows))
    arguments = ("init", tmp_path / "f.duckdb", "--events", file, "--feature", "vip", "--feature", "member", *copy)
    assert not run_json(*arguments)["unchanged"]
    assert run_json(*arguments)["unchanged"]
    with sqlscore.connect(tmp_path / "f.duckdb") as con:
        (first,) = con.execute("FROM sqlscore.events ORDER BY event_time, user_id LIMIT 1").fetchall()
        assert [str(value) for value in first] == ["00", "2025-01-01 10:00:00", "a", "NO", "True"]


def test_a_copy_never_replaces_or_doubles_a_table(tmp_path: Path) -> None:
    """A table of that name with other rows stays as it is, and the error says what can be done."""
    file, path = tmp_path / "log.csv", tmp_path / "f.duckdb"
    file.write_text("user_id,event_time,event_type\n1,2025-01-01 10:00:00,a\n2,2025-01-01 10:00:00,a\n")
    run_json("init", path, "--events", file, "--copy")
    with sqlscore.connect(path) as con:
        con.execute("INSERT INTO events VALUES (3, TIMESTAMP '2025-01-02', 'b')")
    refused = run("init", path, "--events", file, "--copy")
    assert refused.exit_code == 1
    assert '"events" is there already and does not hold what' in refused.stderr
    with sqlscore.connect(path) as con:
        assert con.execute("SELECT count(*) FROM events").fetchall() == [(3,)]


# Views of what models found when they were tested: models stay, and so does what was found.
OF_MODELS = {"model_metrics", "group_metrics", "action_attention", "reliability_bins"}


def test_after_unmap_nothing_answers_with_no_rows(scored: duckdb.DuckDBPyConnection) -> None:
    """A dashboard would show zero customers: what reads events raises, and tables of scores are gone."""
    sqlscore.unmap(scored)
    left = scored.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sqlscore'").fetchall()
    assert {name for (name,) in left} == set(REGISTRY_TABLES)
    queries = [f"FROM sqlscore.{item.name}" for item in objects() if item.kind == "view"]
    queries += ["SELECT count(*) FROM sqlscore.events WHERE user_id = '3' AND event_time > '2020-01-01'"]
    queries += [f"FROM sqlscore.{call}" for call in ("rfm()", "funnel(['view'])", "sessions_with()", "paths()")]
    queries += ["FROM sqlscore.churn_labels_inactivity()", "FROM sqlscore.scored_segments_with()"]
    for query in queries:
        if query.removeprefix("FROM sqlscore.") in OF_MODELS:
            scored.execute(query)
            continue
        with pytest.raises(duckdb.Error, match=r"no events are mapped in this file: run `sqlscore init"):
            scored.execute(query).fetchall()
    with pytest.raises(duckdb.CatalogException, match="leaderboard"):
        scored.execute("FROM sqlscore.leaderboard")
    sqlscore.map_events(scored, "e", features=["price"])
    assert sqlscore.refresh(scored).tables["scored_users"] == 5
    assert scored.execute("FROM sqlscore.leaderboard").fetchall() == []


def test_a_file_without_mapped_events_scores_events_that_are_given(con: duckdb.DuckDBPyConnection) -> None:
    """They need no mapped table; what takes its moment from one says so."""
    con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type")
    sqlscore.map_events(con, "e")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    query = "SELECT predict_next_action(e), churn_risk(e, as_of := '2024-02-01') FROM e GROUP BY user_id"
    before = con.execute(query).fetchall()
    sqlscore.unmap(con)
    assert con.execute(query).fetchall() == before
    with pytest.raises(duckdb.Error, match="there is no as_of, and no event in the mapped events table"):
        con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()


NUMBERS = """SELECT function_name, function_oid FROM duckdb_functions() WHERE database_name = current_database()
             AND function_name IN ('sessions_with', 'churn_risk', 'list_churn_risk')"""


def test_a_mapping_makes_only_those_macros_anew_that_are_others_now_or_gone(con: duckdb.DuckDBPyConnection) -> None:
    """Macros over lists and tables are the same for all columns, and make half of the work; the engine numbers anew."""
    event = "TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type"
    con.execute(f"CREATE TABLE a AS SELECT 1 AS user_id, {event}; CREATE TABLE b AS SELECT 1 AS who, {event}")
    new = dict(con.execute(NUMBERS).fetchall())
    sqlscore.map_events(con, "a")
    first = dict(con.execute(NUMBERS).fetchall())
    assert {name for name in new if first[name] == new[name]} == {"sessions_with", "list_churn_risk"}
    con.execute("DROP MACRO main.list_churn_risk; DROP MACRO TABLE sqlscore.session_stats_with")
    sqlscore.map_events(con, "b", user_id="who")
    second = dict(con.execute(NUMBERS).fetchall())
    assert {name for name in first if second[name] == first[name]} == {"sessions_with"}
    assert con.execute("SELECT n_sessions FROM sqlscore.session_stats_with()").fetchall() == [(1,)]
    uncommented = """SELECT function_name FROM duckdb_functions() WHERE database_name = current_database()
                     AND schema_name IN ('main', 'sqlscore') AND comment IS NULL"""
    assert con.execute(uncommented).fetchall() == []


def test_views_that_nobody_reads_are_not_bound_before_events_are_mapped(tmp_path: Path) -> None:
    """That is half of the work for a new file; whoever reads one or asks for its columns gets them all the same."""
    bound = "SELECT column_count FROM duckdb_views() WHERE schema_name = 'sqlscore' AND view_name = 'sessions'"
    for _ in ("new", "again"):
        with sqlscore.connect(tmp_path / "new.duckdb") as con:
            assert con.execute(bound).fetchall() == [(None,)]
    with sqlscore.connect(tmp_path / "new.duckdb") as con:
        assert con.execute("FROM sqlscore.sessions").fetchall() == []
        columns = "SELECT count(column_name) FROM duckdb_columns() WHERE table_name = 'session_stats'"
        assert con.execute(columns).fetchall() == [(len(con.table("sqlscore.session_stats").columns),)]
