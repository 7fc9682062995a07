"""The page to send around: what it says is what SQL says, it needs nothing, and no text from data is markup."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from customers import LONG, MARKUP, RIGHT_TO_LEFT, USERS, customers_file, many_actions_file, one_action_file
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import MappingError, OutputError
from sqlscore.reporting.page.document import Bar, Bars
from sqlscore.reporting.page.drawings import drawn
from sqlscore.reporting.page.plain_text import plain, plain_line

LOADS = {"src", "href", "action", "data", "srcset", "poster", "background"}


class Read(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = customers_file(tmp_path_factory.mktemp("report") / "shop.duckdb")
    with sqlscore.connect(path, read_only=True) as con:
        yield con


def page(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Read:
    text = sqlscore.report(con, tmp_path / "report.html").read_text(encoding="utf-8")
    read = Read(text)
    assert read.open == []  # every tag was closed, in order
    assert not read.tags & {"script", "img", "link", "iframe", "object", "a", "form"}
    assert not read.attributes & LOADS
    assert not {name for name in read.attributes if name.startswith("on")}
    return read


def test_the_page_says_what_sql_says(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    read = page(con, tmp_path)
    assert "Next action: accuracy 66.0% beats the best baseline, markov3 (60.0%)." in read.texts
    actions = con.execute("SELECT next_action, sum(n_users) FROM sqlscore.segment_summary GROUP BY ALL").fetchall()
    assert {MARKUP, RIGHT_TO_LEFT, LONG} <= {action for action, _ in actions}
    assert {f"{action}: {n:,}" for action, n in actions} <= set(read.texts)  # the titles of the bars
    (sha256,) = con.execute("SELECT sha256 FROM sqlscore.models").fetchall()[0]
    assert {sha256, f"{USERS}", "Nothing is wrong."} <= set(read.texts)
    best = con.execute("SELECT threshold FROM sqlscore.tested_thresholds('tiny@1') WHERE is_best").fetchall()[0][0]
    assert f"{best:.0%} (best)" in read.texts


def test_no_text_from_data_is_markdown(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = sqlscore.report(con, tmp_path / "report.md").read_text(encoding="utf-8")
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    read = Read(html)
    assert not read.tags & {"script", "img", "a", "em", "s", "del"}
    assert {MARKUP, RIGHT_TO_LEFT, LONG, ":red[x] **bold** $a$ [link](http://127.0.0.1:9/x)"} <= set(read.texts)


JOINER = "\u2060"  # unseen: it keeps an address from becoming a link
lines = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")) | st.sampled_from(r"\`*_{}[]()<>#+-.!|~$:^=&@1w /"),
    max_size=30,
)


@given(lines)
def test_text_stands_for_itself_in_markdown(text: str) -> None:
    wanted = " ".join(text.replace(JOINER, "").split())
    for escaped in (plain(text), plain_line(text)):
        for written in (escaped, f"- {escaped}"):
            read = Read(MarkdownIt("commonmark").enable("strikethrough").render(written))
            assert read.tags <= {"p", "ul", "li"}
            assert " ".join("".join(read.texts).replace(JOINER, "").split()) == wanted


@given(st.text(max_size=60), st.text(max_size=20))
def test_a_chart_can_be_read_whatever_is_in_it(label: str, value: str) -> None:
    svg = ElementTree.fromstring(drawn(Bars(label, value, (Bar(label, 0.5, value, "#000000"),))))
    assert {child.tag for child in svg.iter()} == {"svg", "title", "desc", "g", "text", "rect"}


def test_a_file_with_nothing_in_it_says_what_to_do(tmp_path: Path) -> None:
    with sqlscore.connect(tmp_path / "new.duckdb") as con:
        with pytest.raises(MappingError, match="events"):
            sqlscore.report(con, tmp_path / "report.html")
        con.execute("CREATE TABLE e AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'x' AS event_type")
        sqlscore.map_events(con, "e", name="own")
        text = sqlscore.report(con, tmp_path / "report.md", mapping="own").read_text(encoding="utf-8")
    assert "There is no model yet:" in text
    assert "--mapping own" in text
    assert not (tmp_path / "report.html").exists()


def test_one_action_and_no_churn_head_are_shown(tmp_path: Path) -> None:
    with sqlscore.connect(one_action_file(tmp_path / "one.duckdb")) as con:
        read = page(con, tmp_path)
    assert {"tiny@1 predicts no churn.", "only: 30", "unknown", "100.0%"} <= set(read.texts)
    assert "Customers by risk band" not in read.texts


def test_ten_thousand_actions_make_a_page_that_can_be_sent(tmp_path: Path) -> None:
    with sqlscore.connect(many_actions_file(tmp_path / "many.duckdb"), read_only=True) as con:
        read = page(con, tmp_path)
        n = con.execute("SELECT count(*) FROM sqlscore.segment_summary").fetchall()[0][0]
    assert f"The first 15 of {n:,} segments." in read.texts
    assert (tmp_path / "report.html").stat().st_size < 100_000


def test_events_that_cannot_be_read_leave_the_rest_of_the_page(tmp_path: Path) -> None:
    with sqlscore.connect(one_action_file(tmp_path / "one.duckdb")) as con:
        con.execute("DROP TABLE clicks")
        read = page(con, tmp_path)
    assert any("cannot be read" in text for text in read.texts)
    assert "only: 30" in read.texts


def test_a_page_is_written_whole_or_not_at_all(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "report.html"
    old.write_text("before")
    monkeypatch.setattr("sqlscore.reporting.page.html.drawn", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sqlscore.report(con, old)
    assert old.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("name", "said"), [("report.pdf", "as .html or .md"), ("nowhere/report.html", "no folder"), ("report", "ends in")]
)
def test_a_file_of_another_kind_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(OutputError, match=said):
        sqlscore.report(con, tmp_path / name)


def test_a_database_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "shop.html"  # any name is a database's
    one_action_file(path)
    result = CliRunner().invoke(app, ["report", str(path), "-o", str(path)])
    assert (result.exit_code, "is the database itself" in result.output) == (1, True)
    assert CliRunner().invoke(app, ["report", str(path), "-o", str(tmp_path / "report.md")]).exit_code == 0
