"""The pages Why and Trust in a real browser: each part is opened, each control used, each table is that of its SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import choose, expect, fill, go, metric, part, pick, press, served, settle, sql_is_that_of_its_table
from customers import several_file

import sqlscore

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def test_why(page: Page, url: str, file: Path) -> None:
    go(page, url, "why")
    expect(page.get_by_text("An association, not a cause").first).to_be_visible()
    expect(page.get_by_text("no rows")).to_be_visible()  # too few customers to say anything beyond chance
    assert sql_is_that_of_its_table(page, file) == 0
    part(page, "transitions")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    expect(page.get_by_test_id("stGraphVizChart").locator("svg")).to_be_visible()
    assert sql_is_that_of_its_table(page, file) == 1
    part(page, "funnel")
    choose(page, "steps, in order", "buy")
    pick(page, "all of them within", "30 days")
    assert sql_is_that_of_its_table(page, file) == 1
    steps = page.get_by_test_id("stDataFrame").locator("table[role=grid] tbody tr")
    expect(steps).to_have_count(3)
    part(page, "cohorts")
    pick(page, "by", "day")
    assert sql_is_that_of_its_table(page, file) == 1
    part(page, "under-used")
    expect(page.get_by_text("only activity mattered").first).to_be_visible()
    assert sql_is_that_of_its_table(page, file) == 1
    part(page, "attention")
    expect(page.get_by_text("no model of these events has attention")).to_be_visible()


def test_trust(page: Page, url: str, file: Path) -> None:
    go(page, url, "trust")
    expect(page.get_by_text("beats the best baseline").first).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    assert sql_is_that_of_its_table(page, file) == 1
    part(page, "over time")
    expect(page.get_by_text("have the events changed?")).to_be_visible()
    assert sql_is_that_of_its_table(page, file) == 1
    part(page, "freshness and guards")
    expect(metric(page, "champion")).to_have_text("tiny@1")
    assert sql_is_that_of_its_table(page, file) == 2
    part(page, "models")
    expect(page.get_by_text("who was champion")).to_be_visible()
    assert sql_is_that_of_its_table(page, file) == 2


def test_a_threshold_is_judged_by_what_it_costs(page: Page, url: str, file: Path) -> None:
    go(page, url, "trust")
    part(page, "threshold")
    fill(page, "a contact costs", "2")
    fill(page, "a saved customer is worth", "9")
    page.get_by_role("slider", name="share of contacted churners who stay").press("ArrowRight")
    settle(page)
    assert sql_is_that_of_its_table(page, file) == 1
    threshold = page.get_by_role("slider", name="contact from this risk on")
    for key in ("Home", "ArrowRight"):
        threshold.press(key)
        settle(page)
    with sqlscore.connect(file, read_only=True) as con:
        wanted = con.execute(
            """SELECT lift, profit FROM sqlscore.tested_thresholds('tiny@1', contact_cost := 2, saved_value := 9,
                   save_rate := 0.21) ORDER BY threshold OFFSET 1 LIMIT 1"""
        ).fetchall()[0]
    expect(metric(page, "times better than chance")).to_have_text(f"{wanted[0]:.2f}")
    expect(metric(page, "profit in the test")).to_have_text(f"{wanted[1]:,.0f}")


def test_several_mappings_models_and_attention(page: Page, tmp_path: Path) -> None:
    """Where a transformer looks, what a graph model takes from which action; then another mapping without churn."""
    file = several_file(tmp_path / "several.duckdb")
    with served(file) as url:
        go(page, url, "why")
        part(page, "attention")
        expect(page.get_by_text("mean attention in the histories")).to_be_visible()
        settle(page)
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
        fill(page, "customer's id", "1")
        expect(page.get_by_text("mean attention in the histories")).to_have_count(0)
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
        sql_is_that_of_its_table(page, file)
        pick(page, "model", "look@1")
        go(page, url, "simulate")
        page.get_by_label("type a sequence").fill("view > 5m > add_to_cart")
        press(page, "use it")
        choose(page, "models, side by side", "graph@1")
        expect(metric(page, "next")).to_have_count(2)
        settle(page)
        for model in ("graph@1", "look@1"):
            expect(page.get_by_role("heading", name=model)).to_be_visible()
        go(page, url, "trust")
        pick(page, "model", "graph@1")
        part(page, "models")
        expect(page.get_by_text("side by side")).to_be_visible()
        for name, shown in (("", "30"), ("why", None), ("trust", None), ("simulate", None)):
            go(page, url, name)
            pick(page, "events", "only")
            if shown:
                expect(metric(page, "customers")).to_have_text(shown)
            expect(page.get_by_test_id("stException")).to_have_count(0)
