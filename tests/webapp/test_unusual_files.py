"""Files without events, model or churn, with one action, with ten thousand: the app says what it can."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import choose, expect, fill, go, metric, part, pick, press, served, settle
from customers import many_actions_file, one_action_file

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def test_an_empty_file_says_what_to_run(page: Page, empty_file: Path) -> None:
    with served(empty_file) as url:
        for name in ("", "simulate", "why", "trust"):
            go(page, url, name)
            expect(page.get_by_test_id("stAlert").first).to_contain_text("no events are mapped in this file yet")
            expect(page.get_by_test_id("stCode").first).to_contain_text("sqlscore init")


def test_events_without_a_model_say_what_to_run(page: Page, tmp_path: Path) -> None:
    with sqlscore.connect(tmp_path / "new.duckdb") as con:
        con.execute(
            """CREATE TABLE events AS SELECT 1 AS user_id, now()::TIMESTAMP - to_hours(i) AS event_time,
               'only' AS event_type FROM range(5) AS t(i)"""
        )
        sqlscore.map_events(con, "events")
    with served(tmp_path / "new.duckdb") as url:
        for name in ("", "simulate", "trust"):
            go(page, url, name)
            expect(page.get_by_test_id("stAlert").first).to_contain_text("has no model yet")
        go(page, url, "why")
        part(page, "transitions")
        expect(page.get_by_text("show SQL").first).to_be_visible()


def test_one_action_and_no_churn_head(page: Page, tmp_path: Path) -> None:
    with served(one_action_file(tmp_path / "one.duckdb")) as url:
        go(page, url)
        expect(metric(page, "customers")).to_have_text("30")
        expect(metric(page, "mean risk")).to_have_text("–")
        go(page, url, "simulate")
        press(page, "only")
        expect(metric(page, "next")).to_have_text("only")
        expect(metric(page, "churn risk")).to_have_count(0)
        go(page, url, "why")
        part(page, "transitions")
        expect(page.get_by_text("nothing follows anything")).to_be_visible()
        part(page, "funnel")
        expect(page.get_by_text("choose at least two steps")).to_be_visible()
        go(page, url, "trust")
        part(page, "threshold")
        expect(page.get_by_text("a threshold cannot be judged")).to_be_visible()


def test_ten_thousand_actions_can_still_be_chosen_from(page: Page, tmp_path: Path) -> None:
    with served(many_actions_file(tmp_path / "many.duckdb")) as url:
        go(page, url)
        page.get_by_text("Last actions").click()
        settle(page)
        choose(page, "newest action", "action 9999")
        expect(metric(page, "customers")).to_have_text("1")
        page.get_by_test_id("stExpander").get_by_text("Attributes").click()
        fill(page, "name is exactly", "person 1")
        expect(metric(page, "customers")).to_have_text("0")
        fill(page, "name is exactly", "person 399")  # the user of event 9999: the remainder by 400
        expect(metric(page, "customers")).to_have_text("1")
        go(page, url, "simulate")
        press(page, "action 1")
        expect(metric(page, "next")).to_be_visible()
        pick(page, "another action", "action 9998")
        press(page, "add it")
        expect(metric(page, "next")).to_have_text("action 9999")
        go(page, url, "why")
        for name in ("transitions", "funnel", "under-used"):
            part(page, name)
            expect(page.get_by_text("show SQL").first).to_be_visible()
