"""The page Simulate in a real browser: sequences are entered in each way, changed, compared, scored as SQL does."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.csv
import pytest
from browser import SLOW, expect, fill, go, metric, pick, press, settle, sql_is_that_of_its_table
from customers import LONG, MARKUP

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def holds(page: Page, *actions: str) -> None:
    """Wait until the table of the sequence has these actions, from first to last."""
    grid = page.get_by_test_id("stDataFrame").first.locator("table[role=grid]")
    expect(grid).to_have_attribute("aria-rowcount", str(len(actions) + 2))  # the headings, and a row to add an event
    for place, action in enumerate(actions):
        expect(grid.locator("tbody tr").nth(place)).to_contain_text(action)


def edit(page: Page, place: int, action: str, rows: int) -> None:
    """Write another action into a row of the table, which is drawn on a canvas."""
    from playwright.sync_api import TimeoutError as TookTooLong

    table = page.get_by_test_id("stDataFrame").first
    cell = table.get_by_test_id(f"glide-cell-1-{place}")
    for last in (False, False, False, True):  # a page that is drawn again just then closes the editor
        table.scroll_into_view_if_needed()
        box = table.bounding_box()
        assert box is not None
        height = box["height"] / (rows + 2)
        page.mouse.dblclick(box["x"] + 100, box["y"] + (place + 1.5) * height)
        editor = page.locator("#portal")
        try:
            editor.get_by_role("combobox").fill(action[:20], timeout=SLOW / 6)
            editor.get_by_role("option", name=action, exact=True).click(timeout=SLOW / 6)
            page.keyboard.press("Enter")
            settle(page)
            cell.filter(has_text=action).wait_for(state="attached", timeout=SLOW / 6)
        except TookTooLong:
            if last:
                raise
        else:
            return


def test_a_sequence_is_typed_changed_and_compared(page: Page, url: str, file: Path) -> None:
    go(page, url, "simulate")
    page.get_by_label("type a sequence").fill(f"view > 5m > {LONG}")
    press(page, "use it")
    expect(metric(page, "next")).to_have_text("view")  # the tiny model: the action after the last one in its list
    before = metric(page, "churn risk").inner_text()
    press(page, "compare from here")
    press(page, "buy")
    expect(metric(page, "next")).to_have_text(MARKUP)
    expect(page.get_by_test_id("stMetricDelta")).to_contain_text("points")
    assert metric(page, "churn risk").inner_text() != before
    assert sql_is_that_of_its_table(page, file) == 0  # its queries run, and belong to charts
    fill(page, "event number", "3")
    press(page, "move earlier")
    expect(metric(page, "next")).to_have_text("view")
    fill(page, "event number", "1")
    press(page, "move later")
    holds(page, "buy", "view", LONG)
    fill(page, "event number", "2")
    press(page, "remove")
    holds(page, "buy", LONG)
    fill(page, "days since the last event", "40")
    expect(metric(page, "churn risk")).to_have_text("100.0%")
    pick(page, "why this", "churn risk")
    press(page, "start over")
    expect(page.get_by_test_id("stAlert")).to_contain_text("add an action with a button")


def test_the_table_of_the_sequence_can_be_edited(page: Page, url: str) -> None:
    go(page, url, "simulate")
    page.get_by_label("type a sequence").fill("view > 5m > buy")
    press(page, "use it")
    expect(metric(page, "next")).to_have_text(MARKUP)
    for place, action in enumerate((LONG, "view")):
        edit(page, place, action, rows=2)
    holds(page, LONG, "view")
    expect(metric(page, "next")).to_have_text("buy")


def test_a_customer_is_loaded(page: Page, url: str, file: Path) -> None:
    go(page, url, "simulate")
    page.get_by_label("load a customer by id").fill("nobody")
    press(page, "load")
    expect(page.get_by_test_id("stAlert").first).to_contain_text("nobody has the id nobody")
    page.get_by_label("load a customer by id").fill("customer 17")
    press(page, "load")
    with sqlscore.connect(file, read_only=True) as con:
        actions, following = con.execute(
            """SELECT list_transform(events, lambda e: e.event_type), list_predict_next_action(events)
               FROM sqlscore.event_sequences WHERE user_id = 'customer 17'"""
        ).fetchall()[0]
    expect(metric(page, "next")).to_have_text(following)
    holds(page, *actions)
    assert "17" not in page.url


def test_a_file_is_scored_and_returned(page: Page, url: str, file: Path, tmp_path: Path) -> None:
    up = tmp_path / "up.csv"
    up.write_text(
        "person,moment,did\n007,2024-01-01 10:00,view\n008,2024-01-01 10:00,buy\n008,2024-01-02 10:00,view\n",
        encoding="utf-8",
    )
    go(page, url, "simulate")
    page.get_by_role("tab", name="a file of many").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(up)
    expect(page.get_by_text("say which columns hold")).to_be_visible()
    for label, column in (("who", "person"), ("when", "moment"), ("what", "did")):
        pick(page, label, column)
    expect(metric(page, "customers scored")).to_have_text("2")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV of all scores").click()
    table = pyarrow.csv.read_csv(
        io.BytesIO(Path(download.value.path()).read_bytes()),
        convert_options=pyarrow.csv.ConvertOptions(column_types={"user_id": "string"}),
    )
    with sqlscore.connect(file, read_only=True) as con:
        wanted = con.execute(
            f"""SELECT person, list_predict_next_action(
                    list({{event_time: moment, event_type: did, price: NULL::DOUBLE}} ORDER BY moment))
                FROM read_csv('{up}', types = {{person: VARCHAR}}) GROUP BY person ORDER BY person"""
        ).fetchall()
    assert list(zip(table["user_id"].to_pylist(), table["next_action"].to_pylist(), strict=True)) == wanted
