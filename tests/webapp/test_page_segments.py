"""The page of segments in a real browser: what it counts, shows and gives away is what SQL says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.csv
import pyarrow.parquet
import pytest
from browser import choose, expect, fill, go, metric, pick, press, settle, sql_is_that_of_its_table
from customers import LONG, MARKUP, RIGHT_TO_LEFT, USERS

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def users(file: Path, condition: str, *values: str) -> list[tuple[str]]:
    """Who fulfils a condition, written without the app."""
    with sqlscore.connect(file, read_only=True) as con:
        return con.execute(
            f"""SELECT s.user_id FROM sqlscore.scored_segments AS s JOIN sqlscore.event_sequences AS e USING (user_id)
                JOIN crm ON crm.who = s.user_id WHERE {condition} ORDER BY s.user_id""",
            values,
        ).fetchall()


def count(page: Page, n: int) -> None:
    assert 0 < n < USERS
    expect(metric(page, "customers")).to_have_text(str(n))


def test_a_filter_counts_as_sql_does_and_the_files_hold_the_same(page: Page, url: str, file: Path) -> None:
    go(page, url)
    expect(metric(page, "customers")).to_have_text(str(USERS))
    choose(page, "risk band", "high", "medium")
    page.get_by_text("Last actions").click()
    settle(page)
    choose(page, "newest action", MARKUP, LONG)
    wanted = users(file, "risk_band IN ('high', 'medium') AND e.events[-1].event_type IN (?, ?)", MARKUP, LONG)
    count(page, len(wanted))
    settle(page)
    for label, read in (("CSV of all", pyarrow.csv.read_csv), ("Parquet of all", pyarrow.parquet.read_table)):
        with page.expect_download() as download:
            page.get_by_role("link", name=label).click()
        table = read(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert [(user,) for user in table.column("user_id").to_pylist()] == wanted
    assert sql_is_that_of_its_table(page, file) == 1
    assert "customer" not in page.url


def test_each_of_the_last_four_actions_can_be_chosen(page: Page, url: str, file: Path) -> None:
    go(page, url)
    page.get_by_text("Last actions").click()
    settle(page)
    choose(page, "action before it", RIGHT_TO_LEFT, "view", "buy")
    count(page, len(users(file, "e.events[-2].event_type IN (?, ?, ?)", RIGHT_TO_LEFT, "view", "buy")))
    choose(page, "third newest action", MARKUP, LONG, "buy")
    choose(page, "fourth newest action", MARKUP, "view", "buy")
    condition = (
        "e.events[-3].event_type IN (?, ?, ?) AND e.events[-4].event_type IN (?, ?, ?) AND e.events[-2].event_type"
    )
    values = (MARKUP, LONG, "buy", MARKUP, "view", "buy", RIGHT_TO_LEFT, "view", "buy")
    count(page, len(users(file, f"{condition} IN (?, ?, ?)", *values)))


def test_what_comes_next_and_how_likely_they_leave(page: Page, url: str, file: Path) -> None:
    go(page, url)
    page.get_by_test_id("stExpander").get_by_text("Next action", exact=True).click()
    choose(page, "predicted next action", MARKUP, "view")
    count(page, len(users(file, "next_action IN (?, ?)", MARKUP, "view")))
    low = page.get_by_role("slider", name="its probability").first
    low.press("ArrowRight")
    settle(page)
    count(page, len(users(file, "next_action IN (?, ?) AND next_action_probability >= 0.01", MARKUP, "view")))
    for status in ("active", "lapsed"):
        pick(page, "status", status)
        active = "is_active" if status == "active" else "NOT is_active"
        count(page, len(users(file, f"next_action IN (?, ?) AND {active}", MARKUP, "view")))
    high = page.get_by_role("slider", name="churn risk").last
    high.press("PageDown")
    settle(page)
    with_risk = "next_action IN (?, ?) AND NOT is_active AND churn_risk <= ?"
    top = high.input_value()
    assert 0 < float(top) < 1
    expect(metric(page, "customers")).to_have_text(str(len(users(file, with_risk, MARKUP, "view", top))))


def test_days_choose_who_was_seen_last_when(page: Page, url: str, file: Path) -> None:
    go(page, url)
    for end, digits in (("from", ("2024", "03", "12")), ("to", ("2024", "03", "20"))):
        page.get_by_role("spinbutton", name=f"year, last seen, {end}").click()
        for each in digits:  # each of its fields passes on to the next one
            page.keyboard.type(each)
        page.keyboard.press("Escape")  # the day is taken when its field is left
        settle(page)
    count(page, len(users(file, "s.last_event_time >= '2024-03-12' AND s.last_event_time < '2024-03-21'")))
    fill(page, "days since the last event, from", "11")
    fill(page, "days since the last event, to", "15")
    within = "s.last_event_time >= '2024-03-12' AND s.last_event_time < '2024-03-21' AND days_silent BETWEEN 11 AND 15"
    count(page, len(users(file, within)))


def test_attributes_and_parts_of_ids(page: Page, url: str, file: Path) -> None:
    go(page, url)
    page.get_by_test_id("stExpander").get_by_text("Attributes").click()
    choose(page, "country", "DE", "(none)", "<b>IT</b>")
    count(page, len(users(file, "crm.country IS DISTINCT FROM 'FR'")))
    fill(page, "spend, from", "30")
    fill(page, "spend, to", "120.5")
    count(page, len(users(file, "crm.country IS DISTINCT FROM 'FR' AND crm.spend BETWEEN 30 AND 120.5")))
    fill(page, "part of the customer's id", "mer 5")
    condition = "crm.country IS DISTINCT FROM 'FR' AND crm.spend BETWEEN 30 AND 120.5 AND contains(s.user_id, 'mer 5')"
    count(page, len(users(file, condition)))
    pick(page, "order", "most events first")
    assert sql_is_that_of_its_table(page, file) == 1
    fill(page, "page", "2")
    expect(page.get_by_test_id("stAlert")).to_contain_text("nobody is on this page")


def test_a_selection_becomes_a_view_that_sql_reads(page: Page, url: str, file: Path) -> None:
    go(page, url)
    choose(page, "risk band", "high")
    page.get_by_label("save the selection as a view named").fill("call these")
    press(page, "save as view")
    expect(page.get_by_test_id("stAlert")).to_contain_text("saved")
    n = metric(page, "customers").inner_text()
    page.get_by_label("save the selection as a view named").fill("clicks")
    press(page, "save as view")
    expect(page.get_by_test_id("stAlert")).to_contain_text('there is a table "clicks" already')
    with sqlscore.connect(file, read_only=True) as con:
        assert con.execute('SELECT count(*) FROM "call these"').fetchall() == [(int(n),)]
