"""The app over a scored file of many customers: how long its pages wait, what a download of all of them takes.

    python benchmarks/app.py [--users 1000000] [--events 10000000] [--file FILE] [--browser]

Wanted on two cores with a million customers: the first page within 2 s, a filter within 1 s, downloads in flat memory.
The queries are those of the page; with --browser also what a person waits for in Chromium, from click to figures.
FILE is made unless it is there: made events, two attributes, a markov model with random weights, one refresh.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workload import make_events, random_model, timed

import sqlscore
from sqlscore.database.registry import register
from sqlscore.webapp.customers import source
from sqlscore.webapp.downloads import Download, Downloads
from sqlscore.webapp.opening import Database
from sqlscore.webapp.segment_queries import Segments
from sqlscore.webapp.selection import Between, Selection

RISKY = Selection(risk=Between(0.3), among={"country": ("DE", "FR")}, within={"spend": Between(100.0)})
RECENT = Selection(last=(("action_0", "action_1"), ("action_2",)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--browser", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = chosen.file or Path(folder, "shop.duckdb")
        if not file.exists():
            prepare(file, chosen.users, chosen.events)
        queries(file)
        if chosen.browser:
            in_browser(file)


def prepare(file: Path, users: int, events: int) -> None:
    """A file with scores of all users."""
    with sqlscore.connect(file, threads=2) as con:
        make_events(con, events, users)
        con.execute(
            """CREATE TABLE crm AS
               SELECT user_id, (['DE', 'FR', 'IT', NULL])[1 + (hash(user_id) % 4)::INTEGER] AS country,
                      (hash(user_id) % 100000 / 100)::DECIMAL(9, 2) AS spend
               FROM (SELECT DISTINCT user_id FROM events)"""
        )
        sqlscore.map_events(con, "events", users="crm", user_features=["country", "spend"])
        register(con, random_model("markov")[1], name="events", mapping="events", champion=True, verb="benchmark")
        seconds, _ = timed(lambda: sqlscore.refresh(con))
        print(f"made {file.name}: {events:,} events, refreshed in {seconds:.0f} s")


def queries(file: Path) -> None:
    """What the page of segments asks, in the order in which it does."""
    database = Database(file, "cpu")
    try:
        with database.cursor() as con:
            con.execute("SET threads = 2")
            segments = Segments(database, source(con, "events"))
        n = say("first page, file just opened", lambda: page(segments, Selection()))
        say("a filter by scores and attributes", lambda: page(segments, RISKY))
        say("part of an id", lambda: page(segments, Selection(containing="77")))
        say("last actions, the first time", segments.prepare)
        say("a filter by last actions", lambda: page(segments, RECENT))
        say("page 1,000 of all", lambda: segments.page(Selection(), "active ones by risk", 100, 999))
        for form in ("csv", "parquet"):
            download(database, segments, form, n)
    finally:
        database.close()


def page(segments: Segments, chosen: Selection) -> int:
    """The controls, the counts, both charts and the first rows; how many were chosen."""
    segments.values("next_action")
    segments.range("days_silent")
    segments.range("last_event_time")
    segments.values("country", 201)
    segments.range("spend")
    n = int(segments.count(chosen)["n_users"])
    segments.by("risk_band", chosen)
    segments.by("next_action", chosen)
    segments.page(chosen, "active ones by risk", 100, 0)
    return n


def download(database: Database, segments: Segments, form: str, wanted: int) -> None:
    """Everybody, with last actions, as a stream that nobody keeps."""
    import pyarrow.parquet as pq

    query = segments.of_all(RECENT)
    everybody = (query[0], *query[1:2], "\nORDER BY user_id")
    downloads = Downloads(database)
    before = peak_mb()
    with tempfile.TemporaryFile() as kept:

        def stream() -> int:
            return sum(kept.write(piece) for piece in downloads.stream(Download(everybody, "customers", form)))

        seconds, size = timed(stream)
        kept.seek(0)
        rows = pq.read_metadata(kept).num_rows if form == "parquet" else sum(1 for _ in kept) - 1
    if rows != wanted:
        raise SystemExit(f"{rows:,} of {wanted:,} customers came: no speed is claimed")
    print(f"{form + ' of all':36}{seconds:6.2f} s, {size / 1e6:,.0f} MB, peak memory + {peak_mb() - before:,.0f} MB")


def in_browser(file: Path) -> None:
    """What a person waits for, from a click to the figures that it asks for."""
    from playwright.sync_api import expect, sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with served(file) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        first = browser.new_page(viewport={"width": 1280, "height": 720})
        expect.set_options(timeout=120_000)

        def shown(page: Any, other_than: str = "") -> str:
            value = page.get_by_test_id("stMetric").first.get_by_test_id("stMetricValue")
            expect(value).to_have_text(re.compile(r"^[\d,]+$"))
            if other_than:
                expect(value).not_to_have_text(other_than)
            return str(value.inner_text())

        def choose(label: str, value: str) -> None:
            first.get_by_role("combobox", name=label, exact=True).fill(value)
            first.get_by_role("option", name=value, exact=True).click()

        def opened(page: Any) -> Callable[[], str]:
            def run() -> str:
                page.goto(url)
                text = shown(page)
                page.get_by_test_id("stDataFrame").first.wait_for()
                return text

            return run

        everybody = say("browser: first page, cold", opened(first))
        say("browser: first page, a second person", opened(browser.new_page()))
        choose("risk band", "medium")
        medium = say("browser: a filter by scores", lambda: shown(first, everybody))
        first.get_by_text("Last actions").click()
        first.get_by_role("combobox", name="newest action", exact=True).wait_for()
        choose("newest action", "action_1")
        say("browser: the first by last actions", lambda: shown(first, medium))
        browser.close()


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The app in a process of its own."""
    command = [sys.executable, "-c", "from sqlscore.cli import main; main()", "app", str(file), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        if found is None:
            raise SystemExit("the app did not start")
        yield found[0]
    finally:
        process.terminate()
        process.wait(60)


def say(name: str, run: Callable[[], Any]) -> Any:
    """Run it, and print how long it took."""
    start, before = time.perf_counter(), time.process_time()
    result = run()
    seconds, used = time.perf_counter() - start, time.process_time() - before
    processor = f", {used:.2f} s of processor time" if used > 0.1 * seconds else ""
    chosen = f", {result:,} customers" if isinstance(result, int) else ""
    print(f"{name:36}{seconds:6.2f} s{processor}{chosen}", flush=True)
    return result


def peak_mb() -> float:
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
