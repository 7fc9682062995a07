"""The app as people use it: a real browser opens it, and what it shows is compared with SQL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.csv
import pyarrow.parquet
import pytest
from browser import browser, served, settle  # noqa: F401 - a fixture
from customers import (
    ACTIONS,
    LONG,
    MARKUP,
    RIGHT_TO_LEFT,
    USERS,
    customers_file,
    many_actions_file,
    several_file,
)

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
SLOW = 60_000  # ms: the longest wait for what comes at once on a quiet machine


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return customers_file(tmp_path_factory.mktemp("app") / "shop.duckdb")


@pytest.fixture(scope="module")
def url(file: Path) -> Iterator[str]:
    with served(file) as url:
        yield url


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:  # noqa: F811
    """A page of its own. Its last picture is kept with the test's output; no text from data became a script."""
    with browser.new_page(viewport={"width": 1280, "height": 720}) as page:
        page.set_default_timeout(SLOW)
        yield page
        page.screenshot(path=tmp_path / "screen.png", full_page=True)
        assert page.title() != "owned"


def go(page: Page, url: str, name: str = "") -> None:
    page.goto(f"{url}/{name}")
    settle(page)


def metric(page: Page, label: str) -> Any:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as wait_for

    wait_for.set_options(timeout=SLOW)
    return wait_for(locator)


def choose(page: Page, label: str, *values: str) -> None:
    """Choose values in a list where one can choose several."""
    box = page.get_by_role("combobox", name=label, exact=True)
    for value in values:
        box.fill(value[:20])
        page.get_by_role("option", name=value, exact=True).click()
    page.keyboard.press("Escape")


def test_a_filter_counts_as_sql_does_and_the_files_hold_the_same(page: Page, url: str, file: Path) -> None:
    go(page, url)
    expect(metric(page, "customers")).to_have_text(str(USERS))
    choose(page, "risk band", "high", "medium")
    page.get_by_text("Last actions").click()
    choose(page, "newest action", MARKUP, LONG)
    with sqlscore.connect(file, read_only=True) as con:
        wanted = con.execute(
            """SELECT s.user_id FROM sqlscore.scored_segments AS s JOIN sqlscore.event_sequences AS e USING (user_id)
               WHERE risk_band IN ('high', 'medium') AND e.events[-1].event_type IN (?, ?) ORDER BY user_id""",
            [MARKUP, LONG],
        ).fetchall()
    expect(metric(page, "customers")).to_have_text(str(len(wanted)))
    for label, read in (("CSV of all", pyarrow.csv.read_csv), ("Parquet of all", pyarrow.parquet.read_table)):
        with page.expect_download() as download:
            page.get_by_role("link", name=label).click()
        table = read(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert [(user,) for user in table.column("user_id").to_pylist()] == wanted
    assert "customer" not in page.url


def test_a_selection_becomes_a_view_that_sql_reads(page: Page, url: str, file: Path) -> None:
    go(page, url)
    choose(page, "risk band", "high")
    page.get_by_label("save the selection as a view named").fill("call these")
    page.get_by_role("button", name="save as view").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("saved")
    n = metric(page, "customers").inner_text()
    page.get_by_label("save the selection as a view named").fill("clicks")
    page.get_by_role("button", name="save as view").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text('there is a table "clicks" already')
    with sqlscore.connect(file, read_only=True) as con:
        assert con.execute('SELECT count(*) FROM "call these"').fetchall() == [(int(n),)]


def test_a_sequence_is_answered_changed_and_compared(page: Page, url: str) -> None:
    go(page, url, "simulate")
    page.get_by_label("type a sequence").fill(f"view > 5m > {LONG}")
    page.get_by_role("button", name="use it").click()
    expect(metric(page, "next")).to_have_text("view")  # the tiny model: the action after the last one in its list
    settle(page)
    before = metric(page, "churn risk").inner_text()
    page.get_by_role("button", name="compare with this from here on").click()
    settle(page)
    page.get_by_role("button", name="buy", exact=True).click()
    expect(metric(page, "next")).to_have_text(MARKUP)
    expect(page.get_by_test_id("stMetricDelta")).to_contain_text("points")
    assert metric(page, "churn risk").inner_text() != before
    page.get_by_label("event number").fill("3")
    page.get_by_role("button", name="move it earlier").click()
    expect(metric(page, "next")).to_have_text("view")
    page.get_by_label("load a customer by id").fill("nobody")
    page.get_by_role("button", name="load", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("nobody has the id nobody")


def test_a_file_is_scored_and_returned(page: Page, url: str, tmp_path: Path) -> None:
    up = tmp_path / "up.csv"
    up.write_text("user_id,event_time,event_type\n007,2024-01-01 10:00,view\n008,2024-01-01 10:00,buy\n")
    go(page, url, "simulate")
    page.get_by_role("tab", name="a file of many").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(up)
    expect(metric(page, "customers scored")).to_have_text("2")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV of all scores").click()
    table = pyarrow.csv.read_csv(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert table.column("next_action").to_pylist() == ["buy", MARKUP]


@pytest.mark.parametrize(
    ("name", "part", "shown"),
    [
        ("why", "drivers", "An association, not a cause"),
        ("why", "transitions", "show SQL"),
        ("why", "funnel", "all of them within"),
        ("why", "cohorts", "show SQL"),
        ("why", "under-used", "only activity mattered"),
        ("why", "attention", "no model of these events has attention"),
        ("trust", "verdict", "beats the best baseline"),
        ("trust", "threshold", "times better than chance"),
        ("trust", "over time", "have the events changed?"),
        ("trust", "freshness and guards", "what is watched"),
        ("trust", "models", "who was champion"),
    ],
)
def test_every_part_of_a_page_shows_itself(page: Page, url: str, name: str, part: str, shown: str) -> None:
    go(page, url, name)
    page.get_by_test_id("stButtonGroup").get_by_text(part, exact=True).click()
    expect(page.get_by_text(shown).first).to_be_visible()
    settle(page)


def test_text_from_data_is_never_markup(page: Page, url: str) -> None:
    for name in ("", "simulate", "why"):
        go(page, url, name)
        assert page.locator("img[src=x]").count() == 0
        assert page.locator("a[href*='127.0.0.1:9']").count() == 0
    go(page, url, "simulate")
    expect(page.get_by_role("button", name=RIGHT_TO_LEFT)).to_be_visible()
    page.get_by_label("type a sequence").fill(f"{MARKUP} > {ACTIONS[1]}")
    page.get_by_role("button", name="use it").click()
    expect(metric(page, "next")).to_have_text(RIGHT_TO_LEFT)
    assert page.locator("img[src=x]").count() == 0


def test_it_can_be_read_on_a_phone(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("", "simulate", "why", "trust"):
        go(page, url, name)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{name or 'segments'} is {wide} pixels wide"


def test_pages_can_be_reached_with_the_keyboard(page: Page, url: str) -> None:
    go(page, url)
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement?.textContent"))
    assert {"Segments", "Simulate", "Why", "Trust"} <= reached


def test_every_text_can_be_told_from_what_is_behind_it(page: Page, url: str) -> None:
    """WCAG, level AA."""
    script = (Path(__file__).parents[1] / "support" / "contrast.js").read_text(encoding="utf-8")
    for name in ("", "simulate", "why", "trust"):
        go(page, url, name)
        if name == "simulate":
            page.get_by_label("type a sequence").fill("view > 5m > buy")
            page.get_by_role("button", name="use it").click()
            expect(metric(page, "next")).to_be_visible()
        assert page.evaluate(script[script.index("() =>") :]) == []


def test_two_people_do_not_disturb_each_other(page: Page, browser: Browser, url: str) -> None:  # noqa: F811
    with browser.new_page() as other:
        other.set_default_timeout(SLOW)
        go(page, url)
        go(other, url)
        choose(page, "risk band", "high")
        choose(other, "risk band", "low")
        expect(metric(page, "customers")).not_to_have_text(str(USERS))
        expect(metric(other, "customers")).not_to_have_text(str(USERS))
        settle(page)
        settle(other)
        chips = [each.get_by_test_id("stMultiSelect").filter(has_text="risk band") for each in (page, other)]
        expect(chips[0]).to_contain_text("high")
        expect(chips[1]).not_to_contain_text("high")


def test_several_mappings_models_and_attention(page: Page, tmp_path: Path) -> None:
    """Where a transformer looks, what a graph model takes from which action; then another mapping without churn."""
    with served(several_file(tmp_path / "several.duckdb")) as url:
        go(page, url, "why")
        page.get_by_test_id("stButtonGroup").get_by_text("attention", exact=True).click()
        expect(page.get_by_text("mean attention in the histories")).to_be_visible()
        settle(page)
        assert page.get_by_test_id("stVegaLiteChart").count() == 2
        page.get_by_label("customer's id").fill("1")
        page.keyboard.press("Enter")
        expect(page.get_by_text("mean attention in the histories")).to_have_count(0)
        settle(page)
        assert page.get_by_test_id("stVegaLiteChart").count() == 2
        go(page, url, "trust")
        page.get_by_test_id("stButtonGroup").get_by_text("models", exact=True).click()
        expect(page.get_by_text("side by side")).to_be_visible()
        for name, shown in (("", "30"), ("why", None), ("trust", None), ("simulate", None)):
            go(page, url, name)
            page.get_by_role("combobox", name="events").click()
            page.get_by_role("option", name="only", exact=True).click()
            settle(page)
            if shown:
                expect(metric(page, "customers")).to_have_text(shown)
            assert page.get_by_test_id("stException").count() == 0


def test_ten_thousand_actions_can_still_be_chosen_from(page: Page, tmp_path: Path) -> None:
    with served(many_actions_file(tmp_path / "many.duckdb")) as url:
        go(page, url)
        page.get_by_text("Last actions").click()
        choose(page, "newest action", "action 9999")
        expect(metric(page, "customers")).to_have_text("1")
        go(page, url, "simulate")
        page.get_by_role("button", name="action 1", exact=True).click()
        expect(metric(page, "next")).to_be_visible()
        go(page, url, "why")
        for part in ("transitions", "funnel", "under-used"):
            page.get_by_test_id("stButtonGroup").get_by_text(part, exact=True).click()
            settle(page)
            expect(page.get_by_text("show SQL").first).to_be_visible()


def test_a_report_needs_no_network_and_can_be_read(page: Page, file: Path, tmp_path: Path) -> None:
    with sqlscore.connect(file, read_only=True) as con:
        report = sqlscore.report(con, tmp_path / "report.html")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(report.as_uri())
    assert asked == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    script = (Path(__file__).parents[1] / "support" / "contrast.js").read_text(encoding="utf-8")
    assert page.evaluate(script[script.index("() =>") :]) == []
    assert page.locator("img").count() == 0


def test_an_empty_file_says_what_to_run(page: Page, tmp_path: Path) -> None:
    sqlscore.connect(tmp_path / "empty.duckdb").close()
    with served(tmp_path / "empty.duckdb") as url:
        for name in ("", "simulate", "why", "trust"):
            go(page, url, name)
            expect(page.get_by_test_id("stAlert").first).to_contain_text("no events are mapped in this file yet")


def test_events_without_a_model_say_what_to_run(page: Page, tmp_path: Path) -> None:
    with sqlscore.connect(tmp_path / "new.duckdb") as con:
        con.execute(
            """CREATE TABLE events AS SELECT 1 AS user_id, now()::TIMESTAMP - to_hours(i) AS event_time,
               'only' AS event_type FROM range(5) AS t(i)"""
        )
        sqlscore.map_events(con, "events")
    with served(tmp_path / "new.duckdb") as url:
        for name in ("", "simulate"):
            go(page, url, name)
            expect(page.get_by_test_id("stAlert").first).to_contain_text("has no model yet")
        go(page, url, "why")
        page.get_by_test_id("stButtonGroup").get_by_text("transitions", exact=True).click()
        expect(page.get_by_text("show SQL").first).to_be_visible()
