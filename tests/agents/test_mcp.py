"""The server for agents, asked by the SDK's own client: in memory, over stdio and over HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from customers import MARKUP, USERS, customers_file
from made_heads import add_head, head, read_of
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

import sqlscore
from sqlscore.agents.answers import File
from sqlscore.agents.server import make_server
from sqlscore.database.catalog import catalog
from sqlscore.sql.objects import objects

READING = {
    "status", "list_models", "evaluate", "score_user", "explain_user", "segments", "drivers", "describe", "query",
    "lint_sql", "recommendations", "outcomes",
}  # fmt: skip
RECOMMENDED = next(item for item in objects() if item.name == "recommendations").commented_columns
COMMAND = "from sqlscore.cli import main; main()"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return customers_file(tmp_path_factory.mktemp("agents") / "shop.duckdb")


@pytest.fixture(scope="module")
def file(path: Path) -> Iterator[File]:
    opened = File(path, "cpu")
    yield opened
    opened.close()


def call(file: File, tool: str, *, allow_write: bool = False, **arguments: Any) -> Any:
    """What the tool answers; an error's text as {"error": text}."""

    async def asked() -> Any:
        async with Client(make_server(file, allow_write=allow_write)) as client:
            return await client.call_tool(tool, arguments)

    return _read(anyio.run(asked))


def _read(result: Any) -> Any:
    text = result.content[0].text
    return {"error": text} if result.is_error else json.loads(text)


def test_nothing_changes_the_file_unless_asked_for(file: File) -> None:
    async def tools(*, allow_write: bool) -> dict[str, Any]:
        async with Client(make_server(file, allow_write=allow_write)) as client:
            return {
                tool.name: tool.annotations and tool.annotations.read_only_hint
                for tool in (await client.list_tools()).tools
            }

    reading = anyio.run(lambda: tools(allow_write=False))
    assert reading == dict.fromkeys(READING, True)
    assert anyio.run(lambda: tools(allow_write=True)) == reading | {"refresh": False}


def test_a_user_scores_as_in_the_table(file: File) -> None:
    answer = call(file, "score_user", user_id="customer 11")
    row = call(file, "query", sql="SELECT * FROM sqlscore.scored_users WHERE user_id = 'customer 11'")["rows"][0]
    for name in ("next_action", "n_events", "as_of", "model"):
        assert answer[name] == row[name]
    assert answer["churn_risk"] == pytest.approx(row["churn_risk"], abs=1e-6)
    assert "probability" in answer["units"]["churn_risk"]
    assert len(answer["last_actions_newest_first"]) == 10


def test_an_explanation_names_its_unit(file: File) -> None:
    answer = call(file, "explain_user", user_id="customer 11", score="next_action")
    assert "probability" in answer["unit_of_weight"]
    assert {"event_time", "action", "weight"} == set(answer["events"][0])


def test_a_fine_tuned_label_is_explained_by_its_name(tmp_path: Path) -> None:
    """Weights are of what the label says, in its unit; a model beside it would be ignored, so it is refused."""
    path = customers_file(tmp_path / "labelled.duckdb")
    with sqlscore.connect(path) as con:
        base = catalog(con).artifact(None, "events")
        for kind in ("yes_no", "amount"):
            add_head(con, base, head(kind, read_of(con, base)), kind)
    opened = File(path, "cpu")
    try:
        answers = [call(opened, "explain_user", user_id="customer 11", score=kind) for kind in ("yes_no", "amount@1")]
        assert [answer["model"] for answer in answers] == ["yes_no@1", "amount@1"]
        assert [len(answer["events"]) for answer in answers] == [8, 8]
        assert "probability" in answers[0]["unit_of_weight"]
        assert "that of the label" in answers[1]["unit_of_weight"]
        refused = call(opened, "explain_user", user_id="customer 11", score="yes_no", model="tiny@1")
        assert "leave model out" in refused["error"]
        unknown = call(opened, "explain_user", user_id="customer 11", score="love")
        assert "choose one of next_action, churn, yes_no@1, amount@1" in unknown["error"]
    finally:
        opened.close()


def test_status_models_and_figures_are_those_of_the_file(file: File) -> None:
    assert call(file, "status")["mappings"][0]["scored_users"] == USERS
    (model,) = call(file, "list_models")["models"]
    assert (model["model"], model["is_champion"], model["churn_horizon_days"]) == ("tiny@1", True, 1.0)
    figures = call(file, "evaluate")
    assert "beats the best baseline" in figures["verdict"][0]
    assert {"head": "churn", "metric": "auc", "of": "recency", "value": 0.7} in figures["rows"]


def test_views_come_as_rows_that_say_if_there_are_more(file: File) -> None:
    whole = call(file, "segments", rows=200)
    assert sum(row["n_users"] for row in whole["rows"]) == USERS
    assert not whole["there_are_more"]
    first = call(file, "segments", rows=1)
    assert first["rows"] == whole["rows"][:1]
    assert first["there_are_more"]
    assert call(file, "drivers")["columns"][0] == "action"
    assert call(file, "recommendations") == {"columns": list(RECOMMENDED), "rows": [], "there_are_more": False}
    assert "uplift_low" in call(file, "outcomes")["columns"]
    names = {each["name"] for each in call(file, "describe")["objects"]}
    assert {"sqlscore.scored_users", "sqlscore.funnel"} <= names


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("query", {"sql": "DROP TABLE clicks"}, "DROP is not for others"),
        ("query", {"sql": "FROM read_text('/etc/hostname')"}, "read_text"),
        ("query", {"sql": "SELECT 1; SELECT 2"}, "one is run at a time"),
        ("query", {"sql": "SELECT nothing FROM clicks"}, "nothing"),
        ("query", {"sql": "SELECT 1", "rows": 0}, "ask for 1 to 200"),
        ("query", {"sql": "SELECT 1", "rows": 10_000}, "ask for 1 to 200"),
        ("score_user", {"user_id": "nobody"}, "nobody has the id"),
        ("score_user", {"user_id": "' OR true --"}, "nobody has the id"),
        ("score_user", {"user_id": "customer 1", "model": "tiny@9"}, "there are: tiny@1"),
        ("score_user", {"user_id": "customer 1", "mapping": "orders"}, 'no events are mapped as "orders"'),
        ("explain_user", {"user_id": "customer 1", "score": "love"}, "choose one of next_action, churn"),
    ],
)
def test_an_error_says_what_to_do(file: File, tool: str, arguments: dict[str, Any], said: str) -> None:
    assert said in call(file, tool, **arguments)["error"]


def test_text_from_data_stays_data(file: File) -> None:
    rows = call(file, "query", sql="SELECT what, count(*) AS n FROM clicks GROUP BY what ORDER BY what")["rows"]
    assert MARKUP in {row["what"] for row in rows}


def test_a_leak_is_named_before_the_query_is_used(file: File) -> None:
    answer = call(file, "lint_sql", sql='SELECT who, "at", count(*) OVER (PARTITION BY who) AS n FROM clicks')
    (found,) = answer["findings"]
    assert (answer["is_clean"], found["rule"], found["column"], found["line"]) == (False, "whole-table", "n", 1)
    assert call(file, "lint_sql", sql="sqlscore.scored_users")["is_clean"]
    assert "lint reads no files" in call(file, "lint_sql", sql="secret.sql")["error"]
    assert "cannot be read as DuckDB's SQL" in call(file, "lint_sql", sql="SELECT FROM (")["error"]
    assert call(file, "lint_sql", sql="EXECUTE q")["not_looked_at"]


def test_long_values_are_cut_and_say_so(file: File) -> None:
    (row,) = call(file, "query", sql="SELECT repeat('x', 5000) AS text, 'nan'::DOUBLE AS n, [1.5] AS l")["rows"]
    assert row == {"text": "x" * 300 + "... (5,000 characters)", "n": None, "l": [1.5]}


def test_resources_describe_the_file(file: File) -> None:
    async def read() -> list[str]:
        async with Client(make_server(file, allow_write=False)) as client:
            found = (await client.list_resources()).resources
            return [(await client.read_resource(str(each.uri))).contents[0].text for each in found]

    objects, functions = sorted(anyio.run(read), key=len, reverse=True)
    assert "scored_users" in objects
    assert "churn_risk" in functions


def test_a_refresh_scores_new_events(tmp_path: Path) -> None:
    path = customers_file(tmp_path / "shop.duckdb")
    with sqlscore.connect(path) as con:
        con.execute("INSERT INTO clicks SELECT 'newcomer', max(\"at\"), 'view', 1 FROM clicks")
    opened = File(path, "cpu")
    assert call(opened, "refresh", allow_write=True)["tables"]["scored_users"] == USERS + 1
    assert call(opened, "score_user", user_id="newcomer")["n_events"] == 1
    opened.close()


@pytest.mark.slow
def test_a_client_asks_over_stdio(path: Path) -> None:
    async def asked() -> Any:
        command = StdioServerParameters(
            command=sys.executable, args=["-c", COMMAND, "mcp", str(path)], env=dict(os.environ)
        )
        async with Client(stdio_client(command)) as client:
            return await client.call_tool("segments", {"rows": 3})

    assert _read(anyio.run(asked))["columns"][:2] == ["risk_band", "next_action"]


@pytest.mark.slow
def test_a_client_asks_over_http_with_the_token(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "mcp", str(path), "--http", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SQLSCORE_MCP_TOKEN": "a token of the test"},
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/mcp", said)
        assert found is not None, said
        assert "a token of the test" not in said

        async def asked(token: str) -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=60) as http,
                Client(streamable_http_client(found[0], http_client=http)) as client,
            ):
                return await client.call_tool("list_models", {})

        assert _read(anyio.run(lambda: asked("a token of the test")))["models"][0]["model"] == "tiny@1"
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "a token of the test"}):
            assert httpx2.post(found[0], headers=headers, json={}).status_code == 401
    finally:
        process.terminate()
        process.communicate(timeout=60)
