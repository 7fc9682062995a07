import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from command_line import EVENTS, run, run_json
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.cli.app import COMMANDS
from sqlscore.cli.errors import show_warning
from sqlscore.cli.progress import Bar, working
from sqlscore.database.registry import register


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """200 events of 40 users as a file."""
    path = tmp_path / "clicks.parquet"
    duckdb.sql(EVENTS).write_parquet(str(path))
    return path


@pytest.fixture
def unmapped(tmp_path: Path) -> Path:
    """A database with an events table that is not mapped yet."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as con:
        con.execute(f"CREATE TABLE events AS {EVENTS}")
    return path


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 events of 40 users, mapped, with a tiny model in two versions, of which the first is the champion."""
    path = tmp_path_factory.mktemp("mapped") / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(f"CREATE TABLE events AS {EVENTS}")
        sqlscore.map_events(con, "events", features=["price"])
        for _ in range(2):
            register(
                con, tiny_artifact(numeric=("price",)), name="tiny", mapping="events", champion=False, verb="train"
            )
    return path


@pytest.fixture
def db(mapped: Path, tmp_path: Path) -> Path:
    """A file of its own like `mapped`."""
    return Path(shutil.copy(mapped, tmp_path / "shop.duckdb"))


def test_help_names_every_command():
    """The first screen is the map of the product."""
    result = run("--help")
    assert result.exit_code == 0
    assert all(name in result.stdout for name, _, _ in COMMANDS)


def test_no_arguments_show_the_help():
    """Typing the bare name is a question, not a mistake to be told off for."""
    assert "Usage" in run().output


def test_version_is_printed():
    """Bug reports start with it."""
    assert run("--version").stdout.startswith("sqlscore 0.")


@pytest.mark.parametrize("name", sorted({name for name, _, _ in COMMANDS} - {"demo"}))
def test_a_command_without_arguments_says_what_is_missing(name: str):
    """An empty list of arguments is what every command sees first."""
    result = run(name)
    assert result.exit_code == 2, result.output
    assert "Missing argument" in result.stderr


def test_every_command_has_an_example_in_its_help():
    """Help without an example is a riddle."""
    for name, _, _ in COMMANDS:
        assert "sqlscore" in run(name, "--help").stdout.split("Options")[0].replace("Usage: sqlscore", ""), name


def test_init_reports_what_it_saw(unmapped: Path):
    """Mapping is the moment to notice that the wrong column was named."""
    result = run("init", unmapped, "--events", "events", "--feature", "price")
    assert result.exit_code == 0, result.stderr
    assert "200 events of 40 users, 3 actions" in result.stdout
    assert "price (numeric)" in result.stdout
    assert f"next: sqlscore train {unmapped}" in result.stdout


def test_commands_that_are_offered_quote_the_name(tmp_path: Path, parquet: Path):
    """They are there to be copied."""
    db = tmp_path / "click log.duckdb"
    assert f"next: sqlscore train '{db}'" in run("init", db, "--events", parquet).stdout
    assert f"next: sqlscore train '{db}'" in run("status", db).stdout
    assert f"`sqlscore init '{db}x' --events" in run("status", f"{db}x").stderr.replace("\n", " ")


def test_init_maps_a_file_in_place(tmp_path: Path, parquet: Path):
    """A file of events is not copied unless that is asked for."""
    db = tmp_path / "new.duckdb"
    report = run_json("init", db, "--events", parquet)
    assert report["n_events"] == 200
    with duckdb.connect(db) as con:
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'main'").fetchone() == (0,)


def test_init_copies_a_file_when_asked(tmp_path: Path, parquet: Path):
    """With --copy the database stands on its own."""
    db = tmp_path / "new.duckdb"
    run_json("init", db, "--events", parquet, "--copy")
    parquet.unlink()
    with duckdb.connect(db) as con:
        assert con.execute("SELECT count(*) FROM events").fetchone() == (200,)


def test_init_reads_codes_as_categories(unmapped: Path):
    """A number that is a code must not be read as a quantity."""
    report = run_json("init", unmapped, "--events", "events", "--categorical", "price")
    assert report["mapping"]["features"] == [{"name": "price", "kind": "categorical"}]


def test_failed_init_leaves_no_file_behind(tmp_path: Path, parquet: Path):
    """A typing error in a column's name must not leave an empty database that later commands find."""
    db = tmp_path / "new.duckdb"
    result = run("init", db, "--events", parquet, "--user-id", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.stderr
    assert not db.exists()


def test_a_compressed_csv_is_imported_as_it_is_read_in_place(parquet: Path, tmp_path: Path):
    """--copy takes each kind of file that init takes without it."""
    packed, db = tmp_path / "events.csv.gz", tmp_path / "packed.duckdb"
    duckdb.sql(f"COPY (FROM '{parquet}') TO '{packed}' (FORMAT csv, COMPRESSION gzip)")
    assert run_json("init", db, "--events", packed, "--copy")["n_events"] > 0
    with duckdb.connect(db, read_only=True) as con:
        assert con.execute("SELECT count(*) > 0 FROM events").fetchall() == [(True,)]


def test_failed_copy_leaves_no_table_behind(unmapped: Path, parquet: Path):
    """Trying again with the right column must not meet the table of the first try."""
    arguments = ("init", unmapped, "--events", parquet, "--copy", "--mapping", "clicks", "--user-id", "nobody")
    assert run(*arguments).exit_code == 1
    with duckdb.connect(unmapped) as con:
        assert con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall() == [
            ("events",)
        ]


def test_init_refuses_the_one_name_that_cannot_work(tmp_path: Path):
    """DuckDB cannot tell a database sqlscore from the schema sqlscore in it."""
    result = run("init", tmp_path / "sqlscore.duckdb", "--events", "events")
    assert result.exit_code == 1
    assert "rename" in result.stderr


@pytest.mark.parametrize("command", ["train", "evaluate", "models", "refresh", "status", "sql"])
def test_missing_file_is_not_made(tmp_path: Path, command: str):
    """A typing error in the database's name is a message, not a new empty database."""
    db = tmp_path / "typo.duckdb"
    result = run(command, db, *(["SELECT 1"] if command == "sql" else []))
    assert result.exit_code == 1
    assert "no database file" in result.stderr
    assert not db.exists()


def test_training_before_mapping_says_what_to_run(unmapped: Path):
    """The order of the commands is in the message, not in a traceback."""
    result = run("train", unmapped)
    assert result.exit_code == 1
    assert "sqlscore init" in result.stderr
    assert "Traceback" not in result.output


def test_unknown_option_is_a_usage_error(db: Path):
    """Scripts tell wrong usage from a failed command by the exit code."""
    assert run("models", db, "--no-such-option").exit_code == 2


def test_models_lists_versions_and_the_champion(db: Path):
    """Which model answers is the first question of an incident."""
    assert [(m["label"], m["is_champion"]) for m in run_json("models", db)] == [("tiny@2", False), ("tiny@1", True)]
    assert "champion" in run("models", db).stdout


def test_promote_changes_the_champion(db: Path):
    """One command rolls forward or back."""
    assert run_json("promote", db, "tiny@2")["is_champion"]
    assert [m["label"] for m in run_json("models", db) if m["is_champion"]] == ["tiny@2"]


def test_promote_of_an_unknown_version_names_those_there_are(db: Path):
    """The message holds what to type instead."""
    result = run("promote", db, "tiny@9")
    assert result.exit_code == 1
    assert "tiny@1" in result.stderr


def test_drop_removes_a_version(db: Path):
    """A bad model can be got rid of."""
    assert run_json("drop", db, "tiny@2") == {"dropped": "tiny@2"}
    assert [m["label"] for m in run_json("models", db)] == ["tiny@1"]


def test_export_and_import_carry_a_model(db: Path, tmp_path: Path):
    """A model trained in one file serves in another."""
    file = tmp_path / "tiny.sqlscore"
    digest = run_json("export", db, file, "--model", "tiny@2")["sha256"]
    imported = run_json("import", db, file, "--name", "carried", "--sha256", digest)
    assert (imported["label"], imported["sha256"]) == ("carried@1", digest)


def test_import_refuses_another_hash(db: Path, tmp_path: Path):
    """A model is code: a file that is not the expected one is not loaded."""
    file = tmp_path / "tiny.sqlscore"
    run("export", db, file)
    result = run("import", db, file, "--sha256", "0" * 64)
    assert result.exit_code == 1
    assert "sha256" in result.stderr


def test_refresh_writes_tables_that_plain_duckdb_reads(db: Path):
    """A BI tool has no sqlscore."""
    assert run_json("refresh", db)["tables"]["scored_users"] == 40
    with duckdb.connect(db, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM sqlscore.scored_users").fetchone() == (40,)


def test_forget_erases_a_user(db: Path):
    """The right to be forgotten is one command."""
    run("refresh", db)
    assert run_json("forget", db, 7)["scored_users"] == 1
    with duckdb.connect(db, read_only=True) as con:
        assert con.execute("SELECT count(*) FROM sqlscore.scored_users WHERE user_id = 7").fetchone() == (0,)


def test_unmap_undoes_init(db: Path):
    """Trying sqlscore on a file leaves the file as it was."""
    assert run_json("unmap", db) == {"unmapped": "events"}
    assert "no events are mapped" in run("status", db).stdout


def test_status_check_exits_with_three_on_a_problem(db: Path):
    """A scheduler acts on the exit code, and a person on the command that is named."""
    result = run("status", db, "--check")
    assert result.exit_code == 3
    assert f"sqlscore refresh {db}" in result.stdout


def test_status_of_a_fresh_file_has_nothing_to_mend(db: Path):
    """A check that never passes is ignored."""
    run("refresh", db)
    result = run("status", db, "--check")
    assert result.exit_code == 0, result.stdout
    assert "nothing to mend" in result.stdout


def test_interrupted_command_exits_with_130(db: Path, monkeypatch: pytest.MonkeyPatch):
    """Ctrl-C is no error message and no traceback."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sqlscore.verbs.models.list_models", interrupt)
    result = run("models", db)
    assert result.exit_code == 130
    assert "interrupted" in result.stderr


def test_our_own_mistakes_keep_their_traceback(db: Path, monkeypatch: pytest.MonkeyPatch):
    """Only what the user can mend is shortened to a message; a defect must be reportable."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("sqlscore.verbs.models.list_models", fail)
    result = run("models", db)
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("command", [["--help"], ["models"], ["status"], ["promote", "tiny@2"], ["sql", "SELECT 1"]])
def test_light_commands_do_not_import_torch(db: Path, command: list[str]):
    """They answer at once; torch alone takes seconds to import."""
    name, *rest = command
    arguments = [name] if name == "--help" else [name, str(db), *rest]
    code = f"""
import sys
sys.argv = {["sqlscore", *arguments]!r}
from sqlscore.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {{"torch", "sklearn", "pandas"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_imports_nothing_heavy():
    """A library that is imported everywhere costs nothing until it is used."""
    code = "import sqlscore, sys; print({'torch', 'duckdb', 'numpy', 'pyarrow'} & set(sys.modules) or 'nothing')"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=600)
    assert result.stdout.strip() == "nothing"


def test_ctrl_c_stops_a_running_query():
    """The engine is busy in C++ when the signal comes; it must stop all the same."""
    endless = "SELECT 1 AS started; SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) % 7 = 3"
    code = f"import sys; sys.argv = ['sqlscore', 'sql', ':memory:', {endless!r}]; from sqlscore.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert process.stdout is not None
    while process.stdout.readline().strip() not in ("└─────────┘", ""):
        continue
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert "interrupted" in errors


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]):
    """A scheduler's log holds messages, not bars."""
    with Bar() as bar:
        bar.start("scoring", 10)
        bar.advance(4)
    with working("thinking"):
        pass
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch):
    """A person sees what is going on, and a clean screen afterwards, also when it fails."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)

    def fail_half_way() -> None:
        with Bar() as bar:
            bar.start("scoring", 10)
            bar.advance(4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert "scoring" in screen.getvalue()
    assert screen.getvalue().rstrip().endswith(("\x1b[?25h", "\x1b[2K"))


def test_warning_is_one_line_without_code(capsys: pytest.CaptureFixture[str]):
    """Python shows the line of our code that warned, which helps nobody."""
    show_warning(UserWarning("the file has a function of that name"), UserWarning, "install.py", 1)
    assert capsys.readouterr().err == "! the file has a function of that name\n"


def test_init_takes_each_event_once_in_the_order_that_it_is_told(tmp_path: Path):
    """Names of columns stand with commas between, excluded actions are repeated; the report and status tell of it."""
    db, file = tmp_path / "log.duckdb", tmp_path / "log.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"""COPY (SELECT i % 4 AS user_id, TIMESTAMP '2024-01-01' AS event_time, i // 2 AS place, i AS n,
                i % 20 AS id, (['view', 'ping', 'pong'])[1 + (i % 20) // 4 % 3] AS event_type
                FROM range(24) t(i)) TO '{file}'"""
        )
    options = ("--event-id", "id", "--order", "place", "--exclude-type", "ping", "--exclude-type", "pong")
    shown = run("init", db, "--events", file, *options).stdout
    assert "repeated ids          4 rows are left out" in shown
    assert "excluded actions      ping, pong: 12 rows" in shown
    report = run_json("init", db, "--events", file, "--order", "place, n", "--force")
    assert (report["mapping"]["order"], report["n_undecided"]) == (["place", "n"], 0)
    run_json("init", db, "--events", file, "--force")
    assert "ties by action" in run("status", db).stdout
