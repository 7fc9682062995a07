from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner, Result

import sqlscore
from sqlscore.cli import prompt, render, results
from sqlscore.cli.app import app
from sqlscore.cli.errors import message_of
from sqlscore.errors import OutputError
from sqlscore.sql.public_functions import PUBLIC


def sql(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["sql", ":memory:", *(str(a) for a in arguments)], input=stdin)


def test_table_is_duckdbs_own_box():
    """Analysts know it, types and all."""
    result = sql("SELECT 42 AS answer, 'x' AS letter")
    assert result.stdout.splitlines()[1:4] == ["│ answer │ letter  │", "│ int32  │ varchar │", "├────────┼─────────┤"]


def test_sql_may_begin_with_a_comment():
    """As files of queries do; an option with a space in its value stays one."""
    assert sql("-- how many\nSELECT 42", "--format", "csv").stdout.splitlines() == ["42", "42"]
    assert sql("--how many\nSELECT 42 AS n", "--format=csv").stdout.splitlines() == ["n", "42"]
    assert "No such option" in sql("SELECT 1", "--formt", "csv").stderr


def test_an_output_with_a_space_in_its_name_is_an_option(tmp_path: Path):
    target = tmp_path / "two words.csv"
    assert sql("SELECT 42 AS n", "--format", "csv", f"--output={target}").exit_code == 0
    assert target.read_text().split() == ["n", "42"]


def test_piped_table_is_not_cut():
    """A pipe has no width."""
    long = "x" * 500
    assert long in sql(f"SELECT '{long}' AS wide, 1 AS after").stdout


def test_rows_limits_a_table():
    """The screen is small, the result may not be."""
    shown = sql("FROM range(1000)", "--rows", 6).stdout
    assert "1000 rows" in shown
    assert len(shown.splitlines()) < 20


def test_several_statements_show_every_result():
    """A script pasted from an editor works."""
    shown = sql("CREATE TABLE t AS SELECT 1 AS one; INSERT INTO t VALUES (2); FROM t; SELECT 'last' AS end_").stdout
    assert "one" in shown
    assert "last" in shown
    assert "Count" not in shown


def test_statements_come_from_stdin():
    """`sqlscore sql DB - < file.sql`, and without the dash where nobody sits at a terminal."""
    for arguments in (("-",), ()):
        assert "│     7 │" in sql(*arguments, stdin="SELECT 7 AS seven;").stdout


def test_csv_quotes_and_leaves_null_empty():
    """What a spreadsheet opens is what the query returned."""
    result = sql("SELECT 1 AS a, NULL AS b, 'x,\"y\"' AS c, [1, 2] AS d", "--format", "csv")
    assert result.stdout == 'a,b,c,d\n1,,"x,""y""","[1, 2]"\n'


def test_json_is_one_array_of_objects():
    """Scripts parse stdout as it is; nested values stay nested, and NaN, which JSON lacks, is null."""
    query = "SELECT 1 AS a, [{'x': 'é'}] AS b, 'nan'::DOUBLE AS c, NULL AS d UNION ALL SELECT 2, [], 1.5, NULL"
    rows = json.loads(sql(query, "--format", "json").stdout, parse_constant=pytest.fail)
    assert rows == [{"a": 1, "b": [{"x": "é"}], "c": None, "d": None}, {"a": 2, "b": [], "c": 1.5, "d": None}]


def test_json_of_no_rows_is_an_empty_array():
    """An empty result is a result."""
    assert json.loads(sql("SELECT 1 WHERE false", "--format", "json").stdout) == []


def test_last_result_is_the_one_that_is_written():
    """Settings and temporary tables may stand before the query."""
    result = sql("SELECT 1 AS first; SET threads = 1; SELECT 2 AS second; DROP TABLE IF EXISTS t", "--format", "csv")
    assert result.stdout == "second\n2\n"


def test_csv_goes_to_a_file(tmp_path: Path):
    """--output names it; stdout stays empty."""
    file = tmp_path / "out.csv"
    assert sql("SELECT 1 AS a", "--format", "csv", "--output", file).stdout == ""
    assert file.read_text() == "a\n1\n"


def test_parquet_goes_to_a_file_with_its_types(tmp_path: Path):
    """Parquet keeps what CSV loses."""
    file = tmp_path / "out.parquet"
    assert sql("SELECT [1, 2] AS a, TIMESTAMP '2024-01-01' AS t", "-f", "parquet", "-o", file).exit_code == 0
    assert str(pq.read_schema(file).field("t").type) == "timestamp[us]"


def test_parquet_goes_through_a_pipe():
    """`sqlscore sql ... --format parquet > file`."""
    result = sql("SELECT 1 AS a", "--format", "parquet")
    assert pq.read_table(io.BytesIO(result.stdout_bytes)).to_pylist() == [{"a": 1}]


def test_parquet_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch):
    """Binary on the screen breaks it."""
    with duckdb.connect() as con:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        with pytest.raises(OutputError, match="--output"):
            results.run(con, "SELECT 1", "parquet")


@pytest.mark.parametrize("arguments", [("--format", "table"), ("--format", "csv")])
def test_output_without_anything_to_write_is_an_error(tmp_path: Path, arguments: tuple[str, ...]):
    """A script that expects a file is told why there is none."""
    query = "CREATE TABLE t (a INT)" if "csv" in arguments else "SELECT 1"
    result = sql(query, *arguments, "--output", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_unknown_format_is_a_usage_error():
    """And the message lists the formats there are."""
    result = sql("SELECT 1", "--format", "yaml")
    assert result.exit_code == 2
    assert "parquet" in result.stderr


def test_sql_error_is_short_and_goes_to_stderr():
    """DuckDB's own message, with its pointer into the query, and no traceback."""
    result = sql("SELEC 1")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "syntax error" in result.stderr
    assert len(result.stderr.splitlines()) < 8


def test_plan_is_shown_as_a_plan():
    """EXPLAIN is read as a tree, not as a cell of a table."""
    assert sql("EXPLAIN SELECT 42").stdout.startswith(("╭", "┌"))


def test_engines_wrapping_of_our_errors_is_taken_off():
    """The sentence that helps comes first, not the machinery it passed through."""
    wrapped = RuntimeError(
        "Invalid Input Error: Python exception occurred while executing the UDF: ModelError: there is no model yet"
    )
    assert message_of(wrapped) == "there is no model yet"


def test_long_messages_fit_a_screen():
    """Errors are readable without scrolling."""
    assert len(message_of(RuntimeError("\n".join(map(str, range(500))))).splitlines()) < 30


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = sqlscore.connect()
    yield con
    con.close()


@pytest.fixture(autouse=True)
def _state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' history is not the developer's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def type_in(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """Hold a session at the prompt: what is typed, then the end of input."""
    with create_pipe_input() as pipe:
        pipe.send_text(text + "\x04")
        prompt.interact(con, 40, pipe, DummyOutput())


def test_prompt_runs_statements_over_several_lines(con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]):
    """Enter runs only what is finished."""
    type_in(con, "SELECT 40 +\r2 AS answer;\r")
    assert "answer" in capsys.readouterr().out


def test_prompt_survives_an_error(con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]):
    """A typing error is shown, and the next statement runs."""
    type_in(con, "SELEC 1;\rSELECT 'still here' AS x;\r")
    captured = capsys.readouterr()
    assert "syntax error" in captured.err
    assert "still here" in captured.out


def test_ctrl_c_at_the_prompt_drops_what_is_typed(con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]):
    """And does not leave."""
    type_in(con, "SELECT nonsense\x03SELECT 'kept' AS x;\r")
    captured = capsys.readouterr()
    assert "kept" in captured.out
    assert captured.err == ""


def test_dot_commands_answer(con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]):
    """What is there, without knowing the catalog's names."""
    type_in(con, ".help\r.functions\r.tables\r.nothing\r.quit\rSELECT 'not reached' AS x;\r")
    captured = capsys.readouterr()
    assert "Ctrl-D" in captured.out
    assert "churn_risk(e, as_of, model, horizon)" in captured.out
    assert "scored_users" in captured.out
    assert ".nothing" in captured.err
    assert "not reached" not in captured.out


@pytest.mark.parametrize("width", [80, 60, 20])
def test_functions_fit_a_narrow_terminal_and_no_name_is_cut(con: duckdb.DuckDBPyConnection, width: int):
    """A line may be longer than the terminal only if it is one word."""
    lines = prompt.functions(con, width).splitlines()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)
    shown = " ".join(" ".join(lines).split())
    for public in PUBLIC:
        parameters = ", ".join(name for name, _ in public.parameters)
        assert f"{public.name}(e, {parameters}) {public.comment}" in shown
        assert f"{public.list_name}(l, {parameters}) {public.comment}" in shown


def test_history_is_kept_between_sessions(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Arrow-up works tomorrow."""
    type_in(con, "SELECT 'remember me';\r")
    history = prompt.history()
    assert isinstance(history, FileHistory)
    assert "SELECT 'remember me';" in list(history.load_history_strings())
    assert (tmp_path / "state" / "sqlscore" / "history").stat().st_mode & 0o077 == 0


def test_history_stays_in_memory_where_no_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A read-only home is no reason not to start."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert isinstance(prompt.history(), InMemoryHistory)


def test_completion_knows_functions_tables_and_columns(con: duckdb.DuckDBPyConnection):
    """Ours, the user's, and SQL's own words; none of the internal names."""
    con.execute("CREATE TABLE clicks (visitor INTEGER)")
    words = set(prompt.words(con))
    assert {"SELECT", "churn_risk", "clicks", "visitor", "sqlscore.scored_users"} <= words
    assert not any("connect__" in word for word in words)


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("", True),
        (".tables", True),
        ("SELECT 1;", True),
        ("SELECT 1;  \n", True),
        ("SELECT 1", False),
        ("SELECT ';", False),
        ("SELECT 'é;", False),
        ("SELECT 'é';", True),
        ("SELECT 1 -- no;", False),
    ],
)
def test_enter_runs_what_ends_with_a_semicolon(text: str, finished: bool):
    """A semicolon inside a string or a comment is not the end."""
    assert prompt.complete(text) is finished


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mapped table whose columns have names of their own."""
    path = tmp_path_factory.mktemp("clicks") / "clicks.duckdb"
    with sqlscore.connect(path) as con:
        con.execute("CREATE TABLE clicks AS SELECT 1 AS uid, TIMESTAMP '2024-01-01' AS ts, 'view' AS what")
        sqlscore.map_events(con, "clicks", user_id="uid", event_time="ts", event_type="what")
    return path


@pytest.mark.parametrize(
    ("query", "remedy"),
    [
        ("SELECT predict_next_action(['a', 'b'])", "list_predict_next_action(['view', 'cart'])"),
        ("SELECT predict_next_action('a')", "takes the alias of a table"),
        ("SELECT predict_next_action(what) FROM clicks", 'predict_next_action(e) FROM "clicks" e GROUP BY "uid"'),
        ("SELECT predict_next_action([c]) FROM clicks c", "list_predict_next_action(['view', 'cart'])"),
        ("SELECT user_id, churn_risk(e) FROM sqlscore.events e GROUP BY 1", "list_churn_risk(list(e))"),
    ],
)
def test_the_commonest_first_mistakes_are_answered(clicks: Path, query: str, remedy: str) -> None:
    """The macros refuse the first ones, the engine the last two, before it calls a function of ours."""
    result = CliRunner().invoke(app, ["sql", str(clicks), query])
    assert result.exit_code == 1
    assert remedy in result.stderr
    assert "Invalid Input Error" not in result.stderr  # the engine's name for what a macro raises
    with sqlscore.connect(clicks) as con, pytest.raises(duckdb.Error) as caught:
        con.sql(query).fetchall()
    assert remedy in message_of(caught.value)


def test_lines_hold_every_value_whole():
    """A box of an 80-column terminal hides most columns of a wide table."""
    shown = sql("SELECT 1 AS n, repeat('x', 200) AS long, NULL AS nothing; SELECT 2 AS n", "--format", "line").stdout
    assert shown.splitlines() == ["      n = 1", f"   long = {'x' * 200}", "nothing = NULL", "n = 2"]
    assert "the first 2 rows" in sql("FROM range(9)", "--format", "line", "--rows", 2).stdout


def test_the_prompt_changes_its_mode(capsys: pytest.CaptureFixture[str]):
    with sqlscore.connect() as con, create_pipe_input() as pipe:
        pipe.send_text(".mode line\nSELECT 42 AS answer;\n.mode nothing\n.mode table\nSELECT 43 AS answer;\n.quit\n")
        prompt.interact(con, 40, pipe, DummyOutput())
    said = capsys.readouterr()
    assert "answer = 42" in said.out
    assert "│ answer │" in said.out
    assert "a mode is one of table, line" in said.err


@pytest.mark.parametrize("width", [40, 60, 80, 110, 200])
def test_a_narrow_terminal_drops_columns_and_cuts_no_cell(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Versions, dates and figures that end in … cannot be told apart."""
    monkeypatch.setattr(render, "console", lambda: Console(highlight=False, width=width))
    table = Table("model", "least", "figure", "less")
    for version in (1, 2):
        table.add_row(f"a_rather_long_name@{version}", "x" * 40, "0.12345", "2026-01-01 10:00")
    render.show_fitting(table, ("least", "less"))
    said = capsys.readouterr().out
    assert "…" not in said
    assert "a_rather_long_name@1" in said
    assert "0.12345" in said
    assert ("x" * 40 in said) == (width >= 110)
    assert ("too narrow here for: least" in said) == (width < 110)
    if width >= 60:
        assert max(map(len, said.splitlines())) <= width
