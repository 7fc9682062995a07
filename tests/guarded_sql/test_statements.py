"""What the guard lets through and what it refuses, on a real file, by the engine's own parser."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.registry import register
from sqlscore.errors import StatementError
from sqlscore.guarded_sql.connection import Guarded, Limits
from sqlscore.statements.names import allowed_functions

HERE = Path(__file__).parent
HOSTILE = [line for line in (HERE / "hostile.sql").read_text(encoding="utf-8").splitlines() if line]
ORDINARY = [line for line in (HERE / "ordinary.sql").read_text(encoding="utf-8").splitlines() if line]
ACTIONS = ("view", "search", "add_to_cart", "purchase", "wishlist")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop with a model and scores, and a file beside it that nobody may read."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "secret.csv").write_text("word\nswordfish\n")
    with sqlscore.connect(folder / "shop.duckdb") as con:
        con.execute(
            """CREATE TABLE events AS
               SELECT (i % 40)::BIGINT AS user_id, TIMESTAMP '2025-01-06' + to_hours(11 * i // 40) AS event_time,
                      (?::VARCHAR[])[1 + (i // 40 + i) % 5] AS event_type, 'acme' AS brand, i * 0.5 AS price,
                      'ads' AS channel
               FROM range(400) t(i)""",
            [list(ACTIONS)],
        )
        sqlscore.map_events(con, "events", features=["price"])
        artifact = tiny_artifact(ACTIONS, numeric=("price",))
        register(con, artifact, name="events", mapping="events", champion=True, verb="train")
        sqlscore.refresh(con)
    return folder / "shop.duckdb"


@pytest.fixture(scope="module")
def guarded(file: Path) -> Iterator[Guarded]:
    with Guarded(file, Limits(rows=1_000), device="cpu") as opened:
        yield opened


def test_there_are_many_of_both_kinds() -> None:
    assert len(set(HOSTILE)) >= 150
    assert len(set(ORDINARY)) >= 200


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_hostile_statement_is_refused(guarded: Guarded, sql: str) -> None:
    with pytest.raises(StatementError):
        guarded.check(sql)


@pytest.mark.parametrize("sql", ORDINARY)
def test_an_ordinary_statement_passes(guarded: Guarded, sql: str) -> None:
    assert guarded.check(sql).kind in {"select", "explain"}


def test_ordinary_statements_run(guarded: Guarded) -> None:
    wrong = {}
    for sql in ORDINARY:
        if "$" in sql.replace("$$", "").replace('"$', "") or "= ?" in sql:
            continue  # they have parameters
        try:
            guarded.ask(sql)
        except StatementError as error:
            wrong[sql] = str(error)
    assert wrong == {}


def test_parameters_are_bound(guarded: Guarded) -> None:
    answer = guarded.ask("SELECT ? AS text, count(*) AS n FROM events WHERE event_type = ?", ["'; DROP", "view"])
    assert answer.table.to_pylist() == [{"text": "'; DROP", "n": 80}]


def test_rows_beyond_the_limit_are_cut_and_said(guarded: Guarded) -> None:
    answer = guarded.ask("SELECT * FROM range(1001)")
    assert (answer.table.num_rows, answer.is_cut) == (1_000, True)
    answer = guarded.ask("SELECT * FROM range(1000)")
    assert (answer.table.num_rows, answer.is_cut) == (1_000, False)


def test_a_statement_ends_in_time(file: Path) -> None:
    with Guarded(file, Limits(seconds=0.2)) as opened, pytest.raises(StatementError, match=r"longer than 0\.2 seconds"):
        opened.ask("SELECT count(*) FROM range(1000000000000) AS t(x) WHERE hash(x) = 1")


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('{}')",
        "FROM '{}'",
        "SELECT * FROM read_text('{}')",
        "COPY (SELECT 1) TO '{}.out'",
        "ATTACH '{}.duckdb' AS other",
        "SET threads = 3",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "INSERT INTO events SELECT * FROM events",
        "CREATE TABLE t (i INTEGER)",
    ],
)
def test_what_a_mistake_of_the_guard_would_let_through_fails_in_the_engine(
    guarded: Guarded, file: Path, sql: str
) -> None:
    with pytest.raises(StatementError):
        guarded.run(sql.format(file.parent / "secret.csv"))
    assert sorted(path.name for path in file.parent.iterdir()) == ["secret.csv", "shop.duckdb"]


def test_views_over_files_can_be_read_and_their_neighbours_cannot(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    events = """SELECT (i % 9)::BIGINT AS user_id, TIMESTAMP '2025-01-06' + to_hours(i) AS event_time,
                       'view' AS event_type FROM range(90) t(i)"""
    duckdb.sql(f"COPY ({events}) TO '{folder}/a.parquet'")
    duckdb.sql(f"COPY ({events}) TO '{tmp_path}/other.parquet'")
    with sqlscore.connect(tmp_path / "shop.duckdb") as con:
        con.execute(f"CREATE VIEW visits AS FROM read_parquet('{folder}/*.parquet')")
        sqlscore.map_events(con, "visits")
    with Guarded(tmp_path / "shop.duckdb") as opened:
        assert opened.ask("SELECT count(*) AS n FROM sqlscore.events").table.to_pylist() == [{"n": 90}]
        with pytest.raises(StatementError):
            opened.run(f"FROM read_parquet('{tmp_path}/other.parquet')")


PIECES = [
    *("SELECT", "*", "FROM", "events", "read_csv", "'secret.csv'", "(", ")", ",", ";", "--", "/*", "*/", "1", "'", '"'),
    *("$$", "WHERE", "getenv", "COPY", "TO", "'out.csv'", "DELETE", "UNION", "query", "INSERT INTO", "WITH x AS", "x"),
    *("user_id", "EXPLAIN", "ANALYZE", "DESCRIBE", "SET", "threads", "=", "CREATE TABLE t AS", "FROM events"),
    *(
        "SELECT 1",
        "'{}'",
        "\n",
        "E'\\'",
        "DROP TABLE events",
        "VALUES",
        "SUMMARIZE",
        "LATERAL",
        "count",
        "::",
        "[",
        "]",
        "CALL",
    ),
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(" ".join))
def test_what_passes_reads_no_file_and_changes_nothing(guarded: Guarded, file: Path, sql: str) -> None:
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        statement = guarded.check(sql)
    except StatementError:
        return
    assert set(statement.tables) <= {"events", "x"}
    with suppress(StatementError):
        assert "swordfish" not in str(guarded.ask(sql).table.to_pydict())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["secret.csv", "shop.duckdb"]


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_text_is_a_statement_or_an_error_of_ours(guarded: Guarded, text: str) -> None:
    with suppress(StatementError):
        assert guarded.check(text).text == text


def test_every_allowed_function_is_one_of_the_engine() -> None:
    with duckdb.connect() as con:
        known = {
            name
            for (name,) in con.execute(
                """SELECT lower(function_name) FROM duckdb_functions()
                   WHERE function_type IN ('scalar', 'aggregate', 'window', 'macro')"""
            ).fetchall()
        }
    assert allowed_functions() <= known
    assert {"getenv", "current_setting", "nextval", "write_log", "getvariable"} & allowed_functions() == set()


def test_more_brackets_than_the_parser_reads_in_time_are_refused(guarded: Guarded) -> None:
    with pytest.raises(StatementError, match=r"opens 1,001 brackets, at most 1,000 are read"):
        guarded.check(f"SELECT {', '.join(['abs(1)'] * 1_001)}")
    assert guarded.check(f"SELECT {', '.join(['abs(1)'] * 1_000)}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {}(1)",
        "FROM {}(1)",
        "FROM {}",
        "SELEC {}",
        "SELECT {} FROM e",
        "SELECT '{}'::INT",
        "COPY {} TO 'x'",
    ],
)
def test_a_refusal_quotes_a_line_at_most(guarded: Guarded, sql: str) -> None:
    with pytest.raises(StatementError) as refused:
        guarded.ask(sql.format("long" * 5_000))
    assert 0 < len(str(refused.value)) < 700


def test_few_of_the_functions_that_might_fit_are_listed(guarded: Guarded) -> None:
    with pytest.raises(StatementError, match=r"No function matches .*\n.*\n.*\n.*\n.*\n\t\(and \d+ others\)"):
        guarded.ask("SELECT -event_time FROM events")
