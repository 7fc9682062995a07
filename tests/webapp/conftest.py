"""One app over one file, which all tests in a browser share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import SLOW, browser, served  # noqa: F401 - a fixture
from customers import customers_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 customers with awkward names, scored."""
    return customers_file(tmp_path_factory.mktemp("app") / "shop.duckdb")


@pytest.fixture(scope="session")
def url(file: Path) -> Iterator[str]:
    """Of the app over that file."""
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
