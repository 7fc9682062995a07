"""The pictures of the app in README.md and docs/app.md, taken in Chromium of a simulated shop, the same at every run.

    python docs/pictures.py [--file FILE]

FILE is what `sqlscore demo` made; without one, such a file of 2,000 customers is made, which takes about a minute.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))  # opening the app is what the tests do as well

from browser import chromium_path, go, press, served, settle  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

_COLOURS = 128  # of a picture: the pages have few, and the files stay small


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = chosen.file or _shop(Path(folder, "shop.duckdb"))
        with served(file) as url, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
            _segments(chromium.new_page(viewport={"width": 1280, "height": 1300}), url)
            _simulate(chromium.new_page(viewport={"width": 1280, "height": 1300}), url)
            chromium.close()


def _shop(file: Path) -> Path:
    words = ["demo", str(file), "--users", "2000"]
    subprocess.run([sys.executable, "-c", "from sqlscore.cli import main; main()", *words], check=True)
    return file


def _segments(page: Page, url: str) -> None:
    go(page, url)
    _take(page, "segments")


def _simulate(page: Page, url: str) -> None:
    go(page, url, "simulate")
    page.get_by_label("type a sequence").fill("search > 40s > view > 1m > add_to_cart > 2m > checkout")
    press(page, "use it")
    press(page, "compare from here")
    press(page, "payment_failed")
    _take(page, "simulate")


def _take(page: Page, name: str) -> None:
    settle(page)
    page.wait_for_function("document.fonts.status === 'loaded' && !document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_timeout(1_000)  # charts and bars grow for a moment
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = ROOT / "docs" / "pictures" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    picture.quantize(_COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
