"""`repair`: what can be rebuilt of a damaged file is rebuilt, and what cannot is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from damaged_shop import base, edited
from small_shop import open_shop
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import InstallError
from sqlscore.files import server_files
from sqlscore.verbs import repair as repairing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    shutil.copy(base(), tmp_path / "shop.duckdb")
    return tmp_path / "shop.duckdb"


REBUILT = {
    "a mapping is gone": ("DELETE FROM sqlscore.mappings", 'the mapping "events" was gone, and is as it was recorded'),
    "a mapping is unreadable": ("UPDATE sqlscore.mappings SET mapping = '{}'", 'the mapping "events" is as it was'),
    "a mapping is there twice": ("INSERT INTO sqlscore.mappings FROM sqlscore.mappings", "1 row of sqlscore.mappings"),
    "a manifest was edited": ("UPDATE sqlscore.models SET manifest = '[1]'", "what sqlscore.models says of m@1 was"),
    "the hashes are gone": ("ALTER TABLE sqlscore.models DROP COLUMN sha256", "column sha256 of sqlscore.models is"),
    "a hash was edited": ("UPDATE sqlscore.models SET sha256 = 'x' WHERE version = 2", "the hash of m@2 is that of"),
    "two champions": ("INSERT INTO sqlscore.aliases VALUES ('events', 'champion', 'm', 1)", '"events" had several'),
    "a champion of nothing": (
        "UPDATE sqlscore.aliases SET mapping = 'garbage'",
        '"garbage" had m@2 as champion, which is not a model of it: that was taken out',
    ),
    "another type": ("ALTER TABLE sqlscore.runs ALTER started_at TYPE VARCHAR", "column started_at of sqlscore.runs"),
    "a profile was edited": ("UPDATE sqlscore.event_profiles SET findings = '3'", "what the guards compare with was"),
    "a view was replaced": ("CREATE OR REPLACE VIEW sqlscore.rfm_x AS SELECT 1; DROP VIEW sqlscore.sessions", "view"),
    "a macro was replaced": ("CREATE OR REPLACE MACRO churn_risk(x) AS x", "macro main.churn_risk is as sqlscore"),
    "functions of another mapping": (
        "UPDATE sqlscore.objects SET mapping = '-1'",
        "sqlscore.objects did not say which",
    ),
    "functions of other names": ("UPDATE sqlscore.objects SET function = 'x'", "sqlscore.objects did not say which"),
    "a state was edited": (
        "UPDATE sqlscore.user_states SET hidden = list_reverse(hidden) WHERE user_id = 1",
        'the scores of "events" were made anew (5 users): somebody changed figures in user_states',
    ),
    "a column of scores is gone": (
        "ALTER TABLE sqlscore.scored_users DROP COLUMN churn_risk",
        "sqlscore.scored_users was dropped to be made anew, since it had no churn_risk",
    ),
}


@pytest.mark.parametrize("kind", REBUILT)
def test_what_can_be_rebuilt_is_rebuilt_once(path: Path, kind: str) -> None:
    """After the repair there is nothing to mend, and nothing was lost."""
    statement, said = REBUILT[kind]
    assert edited(path, statement)
    report = sqlscore.repair(path)
    assert report.done[0].startswith(said)
    assert report.lost == ()
    assert sqlscore.repair(path, dry_run=True).done == ()


TOGETHER = ("a mapping is unreadable", "a manifest was edited", "a hash was edited", "two champions", "another type",
            "a profile was edited", "a view was replaced", "a macro was replaced", "a state was edited")  # fmt: skip


def test_many_damages_at_once_are_foretold_and_mended(path: Path) -> None:
    """A dry run says as much as the repair does and changes nothing; then verbs work as before."""
    assert edited(path, ";".join(REBUILT[kind][0] for kind in TOGETHER))
    dry = sqlscore.repair(path, dry_run=True)
    report = sqlscore.repair(path)
    assert len(dry.done) == len(report.done) >= len(TOGETHER)
    assert dry.lost == report.lost == ()
    with sqlscore.connect(path) as con:
        assert sqlscore.refresh(con, accept=True).model == "m@2"
        assert sqlscore.status(con, check=True).problems == ()
        assert con.execute("SELECT churn_risk(e) FROM e GROUP BY user_id").fetchall()


def test_a_sound_file_stays_as_it_is(path: Path) -> None:
    report = sqlscore.repair(path)
    assert (report.done, report.lost) == ((), ())


def test_a_damaged_champion_gives_way_to_the_newest_sound_model(path: Path) -> None:
    """Its bytes cannot be had again: that is said, with the command that drops it."""
    assert edited(path, "UPDATE sqlscore.models SET artifact = artifact[:100]::BLOB WHERE version = 2")
    report = sqlscore.repair(path)
    assert any(line.startswith('m@1, the newest sound model of "events", is its champion') for line in report.done)
    (loss,) = report.lost
    assert loss.what.startswith("m@2 cannot be used: its artifact")
    assert loss.command == f"sqlscore drop {path} m@2"
    with sqlscore.connect(path) as con:
        sqlscore.drop_model(con, "m@2")
        assert sqlscore.status(con, check=True).problems == ()


def test_what_cannot_be_rebuilt_is_said_with_what_to_run(path: Path) -> None:
    assert edited(path, "DROP TABLE sqlscore.models; ALTER TABLE sqlscore.past_scores DROP COLUMN model")
    report = sqlscore.repair(path)
    assert {loss.command for loss in report.lost} == {f"sqlscore train {path}", f"sqlscore status {path}"}
    assert any("sqlscore.past_scores" in loss.what for loss in report.lost)


def test_scores_are_left_to_the_next_refresh_if_so_asked(path: Path) -> None:
    assert edited(path, "UPDATE sqlscore.scored_users SET churn_risk = 0.5")
    report = sqlscore.repair(path, refresh=False)
    assert report.done[0].startswith('the next refresh of "events" scores all users: somebody changed figures')
    with sqlscore.connect(path) as con:
        assert sqlscore.refresh(con, accept=True).kind == "full"


def test_a_repair_that_was_killed_runs_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert edited(path, "DROP TABLE sqlscore.runs; DROP VIEW sqlscore.sessions")
    with monkeypatch.context() as patch:
        patch.setattr(repairing, "mend_objects", lambda con, unbound: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sqlscore.repair(path)
    assert sqlscore.repair(path).done == ("view sqlscore.sessions was gone and is there again",)


def test_the_command_removes_what_dead_processes_left(path: Path) -> None:
    left = [*server_files(path), path.with_name(".shop.duckdb.0123abcd.partial")]
    for each in left:
        each.write_text("")
    shown = CliRunner().invoke(app, ["repair", str(path), "--dry-run"])
    assert shown.exit_code == 0
    assert all(each.name in shown.output for each in left)
    assert all(each.exists() for each in left)
    assert CliRunner().invoke(app, ["repair", str(path)]).exit_code == 0
    assert not any(each.exists() for each in left)
    assert "nothing to repair" in CliRunner().invoke(app, ["repair", str(path)]).output


def test_a_file_without_anything_of_sqlscore_is_left_alone(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "plain.duckdb") as con:
        con.execute("CREATE TABLE t (i INT)")
    with pytest.raises(InstallError, match="holds nothing of sqlscore"):
        sqlscore.repair(tmp_path / "plain.duckdb")
    with pytest.raises(InstallError, match="there is no database file"):
        sqlscore.repair(tmp_path / "none.duckdb")


def test_two_versions_of_sqlscore_in_turn_work_on_one_file(tmp_path: Path) -> None:
    """The other one has a column more in its tables, and other views: each makes its own, and the scores stay."""
    path = tmp_path / "shop.duckdb"
    with open_shop(path) as con:
        sqlscore.refresh(con)
        known = [problem.what for problem in sqlscore.status(con).problems]
    for _ in range(2):
        with duckdb.connect(path) as other:
            for table in ("runs", "mappings", "aliases", "champions", "versions", "objects", "meta"):
                other.execute(f"ALTER TABLE sqlscore.{table} ADD COLUMN IF NOT EXISTS of_another_version INTEGER")
            other.execute("UPDATE sqlscore.meta SET value = 'another' WHERE key = 'objects'")
            other.execute("CREATE OR REPLACE VIEW sqlscore.sessions AS SELECT 1 AS of_another_version")
        with sqlscore.connect(path) as con:
            assert sqlscore.refresh(con).kind == "incremental"
            sqlscore.promote(con, "m@1")
            assert [problem.what for problem in sqlscore.status(con, check=True).problems] == known
            assert "session_id" in con.sql("FROM sqlscore.sessions").columns
