"""Every page: on a phone, by the keyboard, for weak eyes, with awkward names, for two people at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import SLOW, choose, expect, go, metric, press, settle, unreadable
from customers import ACTIONS, MARKUP, RIGHT_TO_LEFT, USERS

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
PAGES = ("", "simulate", "why", "advice", "trust")


def test_text_from_data_is_never_markup_and_can_be_read(page: Page, url: str) -> None:
    """Neither tags nor Streamlit's own marks become anything; contrast is WCAG's level AA."""
    for name in PAGES:
        go(page, url, name)
        if name == "simulate":
            expect(page.get_by_role("button", name=RIGHT_TO_LEFT)).to_be_visible()
            page.get_by_label("type a sequence").fill(f"{MARKUP} > {ACTIONS[1]}")
            press(page, "use it")
            expect(metric(page, "next")).to_have_text(RIGHT_TO_LEFT)
        expect(page.locator("img[src=x]")).to_have_count(0)
        expect(page.locator("a[href*='127.0.0.1:9']")).to_have_count(0)
        assert unreadable(page) == []


def test_it_can_be_read_on_a_phone(page: Page, url: str, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in PAGES:
        go(page, url, name)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{name or 'segments'} is {wide} pixels wide"
        page.screenshot(path=tmp_path / f"{name or 'segments'}.png")


def test_pages_can_be_reached_and_filtered_with_the_keyboard(page: Page, url: str) -> None:
    go(page, url)
    reached = {}
    for _ in range(25):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(
            """() => { const at = document.activeElement
                       return [at.getAttribute('aria-label') || at.textContent, at.matches(':focus-visible')] }"""
        )
        reached[name] = seen
        if name == "risk band":
            break
    for name in ("Segments", "Simulate", "Why", "Trust", "Last actions", "risk band"):
        assert any(each.endswith(name) for each in reached), reached
    assert all(reached.values())  # whoever sees the page sees where the keyboard is
    page.keyboard.type("high")
    expect(page.get_by_role("option", name="high", exact=True)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    expect(metric(page, "customers")).not_to_have_text(str(USERS))


def test_two_people_do_not_disturb_each_other(page: Page, browser: Browser, url: str) -> None:
    with browser.new_page() as other:
        other.set_default_timeout(SLOW)
        go(page, url)
        go(other, url)
        choose(page, "risk band", "high")
        choose(other, "risk band", "low")
        expect(metric(page, "customers")).not_to_have_text(str(USERS))
        expect(metric(other, "customers")).not_to_have_text(str(USERS))
        chips = [each.get_by_test_id("stMultiSelect").filter(has_text="risk band") for each in (page, other)]
        expect(chips[0]).to_contain_text("high")
        expect(chips[1]).not_to_contain_text("high")


def test_a_report_needs_no_network_and_can_be_read(page: Page, file: Path, tmp_path: Path) -> None:
    with sqlscore.connect(file, read_only=True) as con:
        report = sqlscore.report(con, tmp_path / "report.html")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(report.as_uri())
    assert asked == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert unreadable(page) == []
    expect(page.locator("img")).to_have_count(0)
