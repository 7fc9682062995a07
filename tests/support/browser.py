"""The app in a process of its own, and a real browser that opens it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REQUIRED = "SQLSCORE_BROWSER"
"""With "required" in this variable a missing browser is a failure: CI has one."""

_ENDS = "-with-a-long-name-that-goes-on"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn the page: its script has run, and nothing is a placeholder any more."""
    page.wait_for_selector("h1")
    page.wait_for_function(
        """() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'
               && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')""",
        timeout=60_000,
    )
    assert page.get_by_test_id("stException").count() == 0, page.get_by_test_id("stException").all_inner_texts()
