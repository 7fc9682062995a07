"""The dbt plugin and project: what `sqlscore dbt` writes, built twice by dbt itself, beside what `refresh` gives."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_run import run_dbt
from tiny_model import tiny_artifact
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.database.registry import register
from sqlscore.dbt.project import PACKAGE, write_project
from sqlscore.errors import InstallError

DOCUMENT = Path(__file__).parents[2] / "docs" / "dbt.md"
CLICKS = """CREATE TABLE clicks AS
    SELECT (i % 40)::BIGINT AS visitor, TIMESTAMP '2024-01-01' + to_hours(i // 40) AS ts,
        (['view', 'cart', 'buy'])[1 + (i // 40 + i) % 3] AS what, i * 0.5 AS price, 'fjord' AS brand
    FROM range(200) t(i)"""


def command(name: str, folder: Path) -> list[str]:
    """The arguments of the dbt command in docs/dbt.md that is marked with this name, for a project in `folder`."""
    found = re.search(rf"<!-- {name} -->\n```sh\ndbt (.*?)\n```", DOCUMENT.read_text(encoding="utf-8"))
    assert found is not None
    return [str(folder) if word == "scoring" else word for word in shlex.split(found[1])]


def problems(outcome: Any) -> list[str]:
    """What dbt reports of the nodes that did not succeed."""
    return [f"{r.node.name}: {r.message}" for r in outcome.result if r.status in ("error", "fail", "skipped", "warn")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose clicks were mapped by dbt's variables, built, changed, and built again."""
    folder = tmp_path_factory.mktemp("dbt")
    path = folder / "odd name.duckdb"
    with duckdb.connect(path) as con:
        con.execute(CLICKS)
    write_project(folder / "scoring", str(path))
    own_model = re.search(r"```jinja\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert own_model is not None
    config = "{{ config(materialized='table') }}\n"
    (folder / "scoring/models/own_model.sql").write_text(config + own_model[1], encoding="utf-8")
    mapping = command("map", folder / "scoring")
    variables = mapping[mapping.index("--vars") :]  # in all runs, so that dbt reads the project once
    outcome = run_dbt(*mapping)
    assert outcome.success, problems(outcome)
    with sqlscore.connect(path) as con:
        register(con, tiny_artifact(numeric=("price",)), name="tiny", mapping="events", champion=True, verb="train")
    outcome = run_dbt(*command("build", folder / "scoring"), *variables)
    assert outcome.success, problems(outcome)
    with duckdb.connect(path) as con:
        con.execute("INSERT INTO clicks VALUES (3, TIMESTAMP '2024-01-02', 'buy', 1, 'new')")
        con.execute("INSERT INTO clicks VALUES (4, TIMESTAMP '2023-12-31', 'buy', 1, 'late')")
        con.execute("INSERT INTO clicks VALUES (77, TIMESTAMP '2024-01-02', 'view', 1, 'new user')")
        con.execute("UPDATE clicks SET price = 9 WHERE visitor = 5 AND what = 'buy'")
        con.execute("DELETE FROM clicks WHERE visitor = 6")
        con.execute("DELETE FROM clicks WHERE visitor = 7 AND what = 'view'")
    outcome = run_dbt(*command("build", folder / "scoring"), *variables)
    assert outcome.success, problems(outcome)
    return path


@pytest.mark.slow
def test_two_builds_give_what_refresh_gives(built: Path, tmp_path: Path) -> None:
    """The second build is incremental: new, late, changed and deleted events must all have been noticed."""
    copy = shutil.copy(built, tmp_path)
    with sqlscore.connect(copy) as con:
        sqlscore.refresh(con)
        for ours, theirs, keys in (
            ("sqlscore.scored_users", "sqlscore_user_scores", "user_id"),
            ("sqlscore.scored_sessions", "sqlscore_session_scores", "user_id, session_id"),
        ):
            differing = con.execute(
                f"""SELECT * FROM {ours} r FULL JOIN {theirs} d USING ({keys})
                    WHERE r.user_id IS NULL OR d.user_id IS NULL
                        OR (r.next_action, r.n_events, r.last_event_time, r.as_of, r.model)
                            IS DISTINCT FROM (d.next_action, d.n_events, d.last_event_time, d.as_of, d.model)
                        OR abs(r.churn_risk - d.churn_risk) > 1e-5
                        OR abs(r.next_action_probability - d.next_action_probability) > 1e-5
                        OR abs(r.seconds_to_next_action - d.seconds_to_next_action) > 1e-5 * r.seconds_to_next_action"""
            ).fetchall()
            assert differing == []
            assert con.execute(f"SELECT count(*) > 0 FROM {theirs}").fetchall() == [(True,)]


@pytest.mark.slow
def test_the_second_build_encodes_only_users_whose_events_changed(built: Path) -> None:
    """What makes an incremental model worth having."""
    with duckdb.connect(built, read_only=True) as con:
        newest = con.execute(
            """SELECT user_id FROM sqlscore_user_states
               WHERE encoded_at > (SELECT min(encoded_at) FROM sqlscore_user_states)"""
        ).fetchall()
    assert sorted(row[0] for row in newest) == [3, 4, 5, 7, 77]


@pytest.mark.slow
def test_tables_that_dbt_builds_are_read_without_sqlscore(built: Path) -> None:
    """A BI tool opens the file with a DuckDB of its own."""
    with duckdb.connect(built, read_only=True) as con:
        users = con.execute("SELECT count(*) FROM sqlscore_user_scores").fetchall()
        assert con.execute("SELECT sum(n_users) FROM sqlscore_segments").fetchall() == users == [(40,)]
        own = """SELECT count(*) FROM own_model JOIN sqlscore_user_scores USING (user_id)
                 WHERE abs(risk - churn_risk) < 1e-5"""
        assert con.execute(own).fetchall() == users
        query = re.search(r"<!-- read -->\n```sh\nduckdb \S+ \"(.*?)\"\n", DOCUMENT.read_text(encoding="utf-8"))
        assert query is not None
        assert len(con.execute(query[1]).fetchall()) in (1, 2, 3)


@pytest.mark.slow
def test_without_a_model_the_build_says_what_to_do(tmp_path: Path) -> None:
    """dbt shows the message of the function, which must be enough."""
    path = tmp_path / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(CLICKS)
        sqlscore.map_events(con, "clicks", user_id="visitor", event_time="ts", event_type="what")
    write_project(tmp_path / "scoring", str(path))
    outcome = run_dbt(*command("build", tmp_path / "scoring"), "--select", "sqlscore_events", "sqlscore_user_states")
    assert not outcome.success
    assert "run `sqlscore train`" in " ".join(problems(outcome))


def test_the_plugin_may_configure_a_connection_twice(tmp_path: Path) -> None:
    """dbt opens a second connection to the same instance, where the functions are registered already."""
    plugin = make_plugin({}, tmp_path / "shop.duckdb")
    first, second = (duckdb.connect(tmp_path / "shop.duckdb") for _ in range(2))
    for con in (first, second):
        plugin.configure_connection(con)
    register(first, tiny_artifact(), name="tiny", mapping="events", champion=True, verb="train")
    first.close()
    assert second.execute("SELECT list_predict_next_action(['view']) IS NULL").fetchall() == [(False,)]
    second.close()


def test_the_plugin_leaves_a_mapping_alone_that_is_as_asked(tmp_path: Path) -> None:
    """Mapping anew at every connect would drop the score tables."""
    plugin = make_plugin({"events": "clicks", "user_id": "visitor", "event_time": "TS", "event_type": "what"}, tmp_path)
    con = duckdb.connect()
    con.execute(CLICKS)
    for _ in range(2):
        plugin.configure_connection(con)
    assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'map_events'").fetchall() == [(1,)]
    con.close()


def test_the_plugin_maps_a_level_and_leaves_it_alone_then(tmp_path: Path) -> None:
    """The level is what is predicted, and the finer action its first feature: both must be known again."""
    columns = {"user_id": "visitor", "event_time": "ts", "event_type": "what", "level": "Brand", "features": "price"}
    plugin = make_plugin({"events": "clicks", **columns}, tmp_path)
    con = duckdb.connect()
    con.execute(CLICKS)
    for _ in range(2):
        plugin.configure_connection(con)
    assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'map_events'").fetchall() == [(1,)]
    assert con.execute("SELECT DISTINCT event_type FROM sqlscore.events").fetchall() == [("fjord",)]
    con.close()


def test_the_plugin_says_which_rows_are_events_and_leaves_the_mapping_alone_then(tmp_path: Path) -> None:
    """Lists may be lists, or texts with commas as variables are; another list maps anew."""
    config = {"events": "clicks", "user_id": "visitor", "event_time": "ts", "event_type": "what"}
    rows = {"event_id": "Price, brand", "order": ["PRICE"], "exclude_types": "view"}
    plugin = make_plugin(config | rows, tmp_path)
    con = duckdb.connect()
    con.execute(CLICKS)
    for _ in range(2):
        plugin.configure_connection(con)
    mapped = "SELECT count(*) FROM sqlscore.runs WHERE verb = 'map_events'"
    assert con.execute(mapped).fetchall() == [(1,)]
    assert con.execute("SELECT DISTINCT event_type FROM sqlscore.events ORDER BY 1").fetchall() == [("buy",), ("cart",)]
    make_plugin(config | rows | {"exclude_types": "buy"}, tmp_path).configure_connection(con)
    assert con.execute(mapped).fetchall() == [(2,)]
    con.close()


def test_the_plugin_maps_a_table_elsewhere_and_leaves_it_alone_then(tmp_path: Path) -> None:
    """A view of another file, attached for the connection that dbt has; a password is refused."""
    with duckdb.connect(tmp_path / "other.duckdb") as other:
        other.execute(CLICKS)
        other.execute("CREATE VIEW seen AS FROM clicks")
    columns = {"user_id": "visitor", "event_time": "ts", "event_type": "what"}
    where = {"events": "o.seen", "attach": f"o={tmp_path / 'other.duckdb'}"}
    plugin = make_plugin(columns | where, tmp_path)
    con = duckdb.connect()
    for _ in range(2):
        plugin.configure_connection(con)
    assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'map_events'").fetchall() == [(1,)]
    assert con.execute("SELECT count(*) > 0 FROM sqlscore.events").fetchall() == [(True,)]
    refused = make_plugin(columns | {"events": "p.x", "attach": {"p": "postgres:password=geheim42"}}, tmp_path)
    with pytest.raises(RuntimeError, match="holds a password") as raised:
        refused.configure_connection(con)
    assert "geheim42" not in str(raised.value)
    con.close()


def test_the_plugin_maps_sources_and_devices_and_leaves_them_alone_then(tmp_path: Path) -> None:
    """A source in each line of a variable, or a list; a table that dbt has yet to build is waited for."""
    shop = "clicks: user_id=visitor, event_time=ts, event_type=what"
    plugin = make_plugin({"sources": f"{shop}\nlater: user_id=u", "features": "price, source"}, tmp_path)
    con = duckdb.connect()
    con.execute(CLICKS)
    with pytest.warns(UserWarning, match='nothing is mapped yet: there is no table, view or file "later"'):
        plugin.configure_connection(con)
    con.execute("CREATE TABLE later AS SELECT visitor AS u, ts AS event_time, 'call' AS event_type FROM clicks LIMIT 9")
    for _ in range(2):
        plugin.configure_connection(con)
    mapped = "SELECT count(*) FROM sqlscore.runs WHERE verb = 'map_events'"
    assert con.execute(mapped).fetchall() == [(1,)]
    assert con.execute("SELECT count(*) FROM sqlscore.events WHERE source = 'later'").fetchall() == [(9,)]
    con.execute("CREATE TABLE who AS SELECT 7 AS visitor, 'ann' AS person")
    columns = {"events": "clicks", "user_id": "visitor", "event_time": "ts", "event_type": "what"}
    plugin = make_plugin({**columns, "identity": "who: device=visitor, user=person"}, tmp_path)
    for _ in range(2):
        plugin.configure_connection(con)
    assert con.execute(mapped).fetchall() == [(2,)]
    assert con.execute("SELECT count(*) FROM sqlscore.events WHERE user_id = 'ann'").fetchall() == [(5,)]
    con.close()


def test_the_plugin_maps_attributes_of_users_and_leaves_them_alone_then(tmp_path: Path) -> None:
    config = {"events": "clicks", "user_id": "visitor", "event_time": "ts", "event_type": "what", "features": "price"}
    users = {"users": "people", "user_features": "country, age", "user_key": "who"}
    plugin = make_plugin(config | users, tmp_path)
    con = duckdb.connect()
    con.execute(CLICKS)
    con.execute("CREATE TABLE people AS SELECT i AS who, 'de' AS country, i AS age FROM range(40) t(i)")
    mapped = "SELECT count(*) FROM sqlscore.runs WHERE verb = 'map_events'"
    for _ in range(2):
        plugin.configure_connection(con)
    assert con.execute(mapped).fetchall() == [(1,)]
    assert con.execute("SELECT count(age) FROM sqlscore.events").fetchall() == [(200,)]
    make_plugin(config | users | {"user_features": "country"}, tmp_path).configure_connection(con)
    assert con.execute(mapped).fetchall() == [(2,)]
    con.close()


def test_the_plugin_names_an_option_that_it_does_not_know(tmp_path: Path) -> None:
    """A typing error in profiles.yml is otherwise a silent default."""
    with pytest.raises(RuntimeError, match="no option evnets: its options are events, user_id"):
        make_plugin({"evnets": "clicks"}, tmp_path)


def test_an_error_of_the_plugin_is_one_that_dbt_shows(tmp_path: Path) -> None:
    """dbt prints its own errors as a line, others as a traceback."""
    plugin = make_plugin({"events": "clicks"}, tmp_path)
    con = duckdb.connect()
    con.execute(CLICKS)
    with pytest.raises(RuntimeError, match='sqlscore: .*"user_id"'):
        plugin.configure_connection(con)


def make_plugin(config: dict[str, Any], path: Path) -> Any:
    """The plugin as dbt-duckdb makes it."""
    plugins = pytest.importorskip("dbt.adapters.duckdb.plugins", reason="needs the extra dbt")
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    credentials = DuckDBCredentials(path=str(path), schema="main")
    return plugins.BasePlugin.create("sqlscore.dbt", config=config, credentials=credentials)


def test_the_project_is_written_where_nothing_is_and_brought_up_to_date_where_it_is(tmp_path: Path) -> None:
    """What the user has edited stays."""
    folder = tmp_path / "scoring"
    result = CliRunner().invoke(app, ["dbt", str(make_file(tmp_path)), str(folder)])
    assert result.exit_code == 0, result.output
    profile = folder / "profiles.yml"
    assert str(tmp_path / 'a "b".duckdb').replace('"', '\\"') in profile.read_text(encoding="utf-8")
    profile.write_text("mine", encoding="utf-8")
    model = folder / "models" / "marts" / "sqlscore_segments.sql"
    model.write_text("old", encoding="utf-8")
    written = write_project(folder, "other.duckdb")
    assert profile.read_text(encoding="utf-8") == "mine"
    assert model.read_text(encoding="utf-8") == (PACKAGE / "models/marts/sqlscore_segments.sql").read_text("utf-8")
    assert {path.name for path in written} & {"profiles.yml", "dbt_project.yml"} == set()


def test_a_folder_of_something_else_is_not_written_to(tmp_path: Path) -> None:
    """A dbt project of the user's own must not be overwritten."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\n", encoding="utf-8")
    with pytest.raises(InstallError, match="is not a sqlscore project: name a new folder"):
        write_project(tmp_path, "shop.duckdb")


def make_file(folder: Path) -> Path:
    """A file of an awkward name."""
    path = folder / 'a "b".duckdb'
    sqlscore.connect(path).close()
    return path
