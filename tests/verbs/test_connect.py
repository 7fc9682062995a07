"""Opening a file: what is in place, what is left alone, what is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.objects import installed_version, version
from sqlscore.database.registry import register
from sqlscore.errors import InstallError
from sqlscore.events import packing
from sqlscore.events import times_in_sql as epoch

LIST = "SELECT list_predict_next_action(['view'])"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a table of events, a mapping, a model and scores."""
    path = tmp_path_factory.mktemp("template") / "shop.duckdb"
    con = sqlscore.connect(path)
    con.execute(
        "CREATE TABLE e AS SELECT i % 3 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time, "
        "'view' AS event_type FROM range(9) t(i)"
    )
    sqlscore.map_events(con, "e")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    con.close()
    return path


@pytest.fixture
def prepared(template: Path, tmp_path: Path) -> Path:
    """A file of its own like `template`."""
    return Path(shutil.copy(template, tmp_path / "shop.duckdb"))


def test_connect_returns_duckdbs_own_connection(con: duckdb.DuckDBPyConnection) -> None:
    assert type(con) is duckdb.DuckDBPyConnection


def test_importing_the_package_imports_neither_torch_nor_duckdb() -> None:
    code = "import sqlscore, sys; print(any(m in sys.modules for m in ('torch', 'duckdb', 'pyarrow', 'sklearn')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_opening_a_file_imports_no_torch(prepared: Path) -> None:
    """Opening, listing models and reading score tables are quick; torch comes with the first score."""
    code = (
        f"import sqlscore, sys; con = sqlscore.connect({str(prepared)!r}); sqlscore.list_models(con); "
        "sqlscore.status(con); con.sql('FROM sqlscore.scored_segments').fetchall(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_public_surface_is_sorted_and_complete() -> None:
    assert sqlscore.__all__ == sorted(sqlscore.__all__)
    assert all(callable(getattr(sqlscore, name)) for name in sqlscore.__all__)
    with pytest.raises(AttributeError):
        sqlscore.nothing  # noqa: B018


def test_cursors_and_second_connections_score(prepared: Path) -> None:
    first = sqlscore.connect(prepared)
    second = sqlscore.connect(prepared)
    assert first.cursor().execute(LIST).fetchall() == second.execute(LIST).fetchall() == [("cart",)]
    register(first, tiny_artifact(("view", "z")), name="m", mapping="events", champion=True, verb="train")
    assert second.execute(LIST).fetchall() == [("z",)]
    first.close()
    assert second.execute(LIST).fetchall() == [("z",)]
    second.close()


def test_read_only_works_on_a_prepared_file_and_by_two(prepared: Path) -> None:
    con = sqlscore.connect(prepared, read_only=True)
    assert con.execute(LIST).fetchall() == [("cart",)]
    with pytest.raises(InstallError, match="promote changes the file, which was opened read-only"):
        sqlscore.promote(con, "m@1")
    con.close()


def test_read_only_on_an_unprepared_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "bare.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(InstallError, match="not prepared.*open it once without read_only.* or run `sqlscore init "):
        sqlscore.connect(path, read_only=True)


def test_a_file_of_another_version_is_made_readable_by_the_command_that_is_named(prepared: Path) -> None:
    with duckdb.connect(str(prepared)) as con:
        con.execute("UPDATE sqlscore.meta SET value = 'of before' WHERE key = 'objects'")
    with pytest.raises(InstallError, match=f"another version of sqlscore: .* or run `sqlscore repair {prepared}`"):
        sqlscore.connect(prepared, read_only=True)
    sqlscore.repair(prepared)
    with sqlscore.connect(prepared, read_only=True) as con:
        assert con.execute(LIST).fetchall() == [("cart",)]


def test_plain_duckdb_reads_every_table_and_learns_what_functions_need(prepared: Path) -> None:
    con = duckdb.connect(str(prepared))
    tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    assert {("sqlscore", "scored_users"), ("sqlscore", "scored_sessions"), ("sqlscore", "models")} <= set(tables)
    for schema, table in tables:
        con.execute(f'FROM "{schema}"."{table}"').fetchall()
    assert con.execute("SELECT sum(n_users) FROM sqlscore.segment_summary").fetchall()[0][0] == 3
    with pytest.raises(duckdb.Error, match="open_this_file_with_sqlscore_connect"):
        con.execute(LIST)
    con.close()


def test_opening_again_installs_nothing(prepared: Path) -> None:
    before = prepared.read_bytes()
    sqlscore.connect(prepared).close()
    assert prepared.read_bytes() == before


def test_an_older_file_is_upgraded_and_keeps_its_scores(prepared: Path) -> None:
    con = duckdb.connect(str(prepared))
    con.execute("UPDATE sqlscore.meta SET value = 'older' WHERE key = 'objects'")
    con.execute("DROP MACRO list_churn_risk")
    scores = con.execute("FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    con.close()
    with pytest.raises(InstallError, match="another version"):
        sqlscore.connect(prepared, read_only=True)
    con = sqlscore.connect(prepared)
    assert installed_version(con) == version()
    assert con.execute(
        "SELECT list_churn_risk([{'event_time': '2024-01-01'::TIMESTAMP, 'event_type': 'a'}])"
    ).fetchall()
    assert con.execute("FROM sqlscore.scored_users ORDER BY user_id").fetchall() == scores
    con.close()


@pytest.mark.parametrize("name", ["sqlscore.duckdb", "SQLScore.db", "sqlscore"])
def test_a_file_named_like_the_schema_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InstallError, match="may not be named.*rename"):
        sqlscore.connect(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_users_own_function_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "own.duckdb"
    con = duckdb.connect(str(path))
    con.execute("CREATE MACRO churn_risk(x) AS x + 1")
    con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type")
    con.close()
    with pytest.warns(UserWarning, match="churn_risk"):
        con = sqlscore.connect(path)
    with pytest.raises(InstallError, match="churn_risk.*prefix"):
        sqlscore.map_events(con, "e")
    sqlscore.map_events(con, "e", prefix="ss_")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    assert con.execute("SELECT churn_risk(1), ss_predict_next_action(e) FROM e GROUP BY user_id").fetchall() == [
        (2, "cart")
    ]
    assert con.execute("SELECT next_action FROM sqlscore.scored_users").fetchall() == [("cart",)]
    con.close()


def test_verbs_refuse_a_connection_that_sqlscore_did_not_open() -> None:
    con = duckdb.connect()
    with pytest.raises(InstallError, match=r"not opened with sqlscore.connect\(\)"):
        sqlscore.status(con)
    con.close()


def test_a_verb_leaves_the_callers_transaction_alone(con: duckdb.DuckDBPyConnection) -> None:
    """A failed BEGIN would abort it, and with it the caller's work."""
    con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'view' AS event_type")
    con.begin()
    con.execute("INSERT INTO e VALUES (2, TIMESTAMP '2024-01-02', 'view')")
    assert sqlscore.map_events(con, "e").profile.n_events == 1
    con.commit()
    assert con.execute("SELECT count(*) FROM sqlscore.events").fetchall() == [(2,)]


def test_duckdb_options_pass_through(tmp_path: Path) -> None:
    con = sqlscore.connect(tmp_path / "x.duckdb", threads=1, memory_limit="500MB", preserve_insertion_order=False)
    row = con.execute("SELECT current_setting('threads'), current_setting('preserve_insertion_order')").fetchall()
    assert row == [(1, False)]
    con.close()


def test_the_environment_gives_settings_that_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command or a scheduled job has no `connect` to write them in."""
    monkeypatch.setenv("SQLSCORE_MEMORY_LIMIT", "700MiB")
    monkeypatch.setenv("SQLSCORE_THREADS", "3")
    with sqlscore.connect(Threads=2) as con:
        found = con.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchall()
    assert found == [("700.0 MiB", 2)]
    monkeypatch.setenv("SQLSCORE_MEMORY_LIMIT", "plenty")
    with pytest.raises(InstallError, match="SQLSCORE_MEMORY_LIMIT='plenty'.*write memory as 4GB"):
        sqlscore.connect()


def test_unknown_device_is_refused() -> None:
    with pytest.raises(InstallError, match="'tpu' is not one of auto, cpu, cuda"):
        sqlscore.connect(device="tpu")


@pytest.mark.parametrize(("where", "name"), [(packing, "_LETTERS"), (epoch, "_SCALE")])
def test_functions_that_are_written_otherwise_are_installed_anew(
    monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str
) -> None:
    """What only a mapping with features or epoch numbers has in its functions counts too."""
    before = version()
    monkeypatch.setattr(where, name, {key: f"{value} " for key, value in getattr(where, name).items()})
    assert version.__wrapped__() != before  # as another process would count it
