"""The app in a process of its own, and a real browser that opens it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sqlscore
from sqlscore.webapp.tables import heading

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REQUIRED = "SQLSCORE_BROWSER"
"""With "required" in this variable a missing browser is a failure: CI has one."""

SLOW = 60_000
"""Milliseconds: the longest wait for what comes at once on a quiet machine."""


def chromium_path() -> str | None:
    """Where the browser of this machine is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window; Playwright runs an event loop, in which no test of another file could run its own."""
    path = chromium_path()
    if path is None:
        if os.environ.get(REQUIRED) == "required":
            pytest.fail("no chromium is installed")
        pytest.skip("no chromium is installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def served(path: Path) -> Iterator[str]:
    """`sqlscore app` over a file, on a free port; yields its URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from sqlscore.cli import main; main()", "app", str(path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        if found is None:
            process.kill()
            pytest.fail(f"the app did not start: {said}{process.communicate()[1]}")
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=60)


CALM = """() => {
    const app = document.querySelector('[data-testid=stApp]')
    const at_rest = app?.getAttribute('data-test-script-state') === 'notRunning'
        && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    window.frames_at_rest = at_rest ? window.frames_at_rest + 1 : 0
    return window.frames_at_rest > 12
}"""
"""Asked at each frame that the browser draws. What a click asks for reaches the script some frames later."""


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn the page: its script has run, and nothing is a placeholder any more."""
    page.wait_for_selector("h1")
    page.evaluate("window.frames_at_rest = 0")
    page.wait_for_function(CALM, timeout=SLOW)
    assert page.get_by_test_id("stException").count() == 0, page.get_by_test_id("stException").all_inner_texts()


def go(page: Page, url: str, name: str = "") -> None:
    """Open a page of the app, and wait until it is there."""
    page.goto(f"{url}/{name}")
    settle(page)


def expect(locator: Any) -> Any:
    """Playwright's own `expect`, patient."""
    from playwright.sync_api import expect as wait_for

    wait_for.set_options(timeout=SLOW)
    return wait_for(locator)


def metric(page: Any, label: str) -> Any:
    """The value of a figure."""
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def part(page: Page, name: str) -> None:
    """Open a part of a page that has several."""
    page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True).click()
    settle(page)


def choose(page: Page, label: str, *values: str) -> None:
    """Choose values in a list where there may be several."""
    box = page.get_by_role("combobox", name=label, exact=True)
    chosen = page.get_by_test_id("stMultiSelect").filter(has=box)
    for value in values:
        _take(page, value, partial(box.fill, value[:20]), chosen)
    page.keyboard.press("Escape")


def pick(page: Page, label: str, value: str) -> None:
    """Choose the one value of a list."""
    box = page.get_by_role("combobox", name=label, exact=True)

    def opened() -> None:
        box.click()
        page.get_by_role("option").first.wait_for(timeout=SLOW / 6)
        if not page.get_by_role("option", name=value, exact=True).count():
            box.fill(value[:20])  # a long list has only those options that are seen

    _take(page, value, opened, page.get_by_test_id("stSelectbox").filter(has=box))


def _take(page: Page, value: str, opened: Callable[[], None], chosen: Any) -> None:
    from playwright.sync_api import TimeoutError as TookTooLong

    option = page.get_by_role("option", name=value, exact=True)
    for last in (False, False, True):  # a page that is drawn again just then closes the list
        try:
            opened()
            option.click(timeout=SLOW / 6)
            settle(page)
            if value in [*chosen.locator("input").evaluate_all("all => all.map(each => each.value)"), *_tags(chosen)]:
                return
        except TookTooLong:
            if last:
                raise
    raise AssertionError(f"{value} could not be chosen")


def _tags(chosen: Any) -> Any:
    return chosen.locator("span").evaluate_all("all => all.map(each => each.getAttribute('title') ?? each.textContent)")


def fill(page: Page, label: str, text: str) -> None:
    """Write into a field."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")
    settle(page)


def press(page: Page, name: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=name, exact=True).click()
    settle(page)


def unreadable(page: Page) -> Any:
    """The texts whose contrast is below WCAG's level AA."""
    script = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
    return page.evaluate(script[script.index("() =>") :])


def sql_is_that_of_its_table(page: Page, file: Path) -> int:
    """Run each "show SQL" of a page on the file, and compare it with the table above it; how many tables there were."""
    tables = 0
    for shown in page.get_by_test_id("stExpander").filter(has_text="show SQL").all():
        shown.locator("summary").click()
        code = shown.get_by_test_id("stCode").locator("code")
        code.wait_for()
        with sqlscore.connect(file, read_only=True) as con:
            wanted = con.sql(code.text_content() or "").to_arrow_table()
        for _ in range(20):  # a table is drawn a moment after the page has settled
            grid = shown.evaluate(_TABLE_ABOVE)
            if grid is None or (grid["n"] == wanted.num_rows + 1 and any(map(any, grid["rows"]))):
                break
            page.wait_for_timeout(250)
        if grid is None:
            continue
        tables += 1
        assert grid["n"] == wanted.num_rows + 1, (grid, code.text_content())  # the row of the headings counts too
        assert {heading(name) for name in wanted.column_names} >= set(grid["names"])
        texts = {
            heading(each.name): wanted.column(each.name).to_pylist() for each in wanted.schema if each.type == "string"
        }
        for place, cells in enumerate(grid["rows"]):
            seen = dict(zip(grid["names"], cells, strict=True))
            assert {name: seen[name] for name in texts if name in seen} == {
                name: values[place] or "" for name, values in texts.items() if name in seen
            }
    return tables


_TABLE_ABOVE = """expander => {
    let at = expander
    while (at && !(at.previousElementSibling && at.previousElementSibling.querySelector('[data-testid=stDataFrame]')))
        at = at.previousElementSibling ? null : at.parentElement
    const table = at?.previousElementSibling.querySelector('table[role=grid]')
    const texts = (row, tag) => [...row.querySelectorAll(tag)].map(cell => cell.textContent)
    return table && {
        n: Number(table.getAttribute('aria-rowcount')),
        names: texts(table, 'th'),
        rows: [...table.querySelectorAll('tbody tr')].map(row => texts(row, 'td')),
    }
}"""
