"""The app over a scored file of many customers: how long its pages wait, what a download of all of them takes.

    python benchmarks/app.py [--users 1000000] [--events 10000000] [--file FILE] [--browser]

Wanted on two cores with a million customers: the first page within 2 s, a filter within 1 s, downloads in flat memory.
The queries are those of the page; with --browser also what a person waits for in Chromium, from click to figures.
FILE is made unless it is there: made events, two attributes, a markov model with random weights, one refresh.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
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
        for times in (1, 1, 3):  # the first one lets go of what the queries before took
            for form in ("csv", "parquet"):
                download(database, segments, form, n, times)
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


def download(database: Database, segments: Segments, form: str, wanted: int, times: int) -> None:
    """Everybody so many times, with last actions, as a stream that goes to a file."""
    import pyarrow.parquet as pq

    columns, relation = segments.of_all(RECENT)[:2]
    everybody = (columns, "(" + "\nUNION ALL\n".join([f"FROM {relation}"] * times) + ")")
    downloads = Downloads(database)
    rest_mb, peak = resident_mb(), 0.0
    with tempfile.TemporaryFile() as kept:

        def stream() -> int:
            nonlocal peak
            size = 0
            for piece in downloads.stream(Download(everybody, "customers", form)):
                size += kept.write(piece)
                peak = max(peak, resident_mb())
            return size

        before = time.process_time()
        seconds, size = timed(stream)
        used = time.process_time() - before
        kept.seek(0)
        rows = pq.read_metadata(kept).num_rows if form == "parquet" else sum(1 for _ in kept) - 1
    if rows != wanted * times:
        raise SystemExit(f"{rows:,} of {wanted * times:,} customers came: no speed is claimed")
    name = f"{form} of {rows:,}"
    memory = f"{size / 1e6:,.0f} MB, memory {rest_mb:,.0f} MB before, {peak:,.0f} MB at most"
    print(f"{name:36}{seconds:6.2f} s, {used:.2f} s of processor time, {memory}", flush=True)


def in_browser(file: Path) -> None:
    """What a person waits for: a page until its table is there, a filter from the click on its list to the figures."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))  # tests open the app in the same way
    from browser import choose, chromium_path, settle

    with served(file) as (url, app), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])

        def opened() -> Any:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(120_000)
            page.goto(url)
            page.get_by_test_id("stDataFrame").first.wait_for()
            return page

        page = say("browser: first page, cold", opened, app)
        say("browser: first page, a second person", opened, app)
        settle(page)
        say("browser: a filter by scores", lambda: choose(page, "risk band", "medium"), app)
        page.get_by_text("Last actions").click()
        settle(page)
        say("browser: the first by last actions", lambda: choose(page, "newest action", "action_1"), app)
        say("browser: another by last actions", lambda: choose(page, "action before it", "action_2"), app)
        last = opened()
        settle(last)
        for label in ("CSV of all of them", "Parquet of all of them"):
            link = last.get_by_role("link", name=label).get_attribute("href")
            over_the_wire(label, urllib.parse.urljoin(url, link), app)
        browser.close()


def over_the_wire(label: str, url: str, app: int) -> None:
    """A download through the server's own route; what the server holds meanwhile."""
    rest, peak, size, start = resident_mb(app), 0.0, 0, time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        while piece := answer.read(1 << 20):
            size += len(piece)
            peak = max(peak, resident_mb(app))
    seconds = time.perf_counter() - start
    print(f"{label:36}{seconds:6.2f} s, {size / 1e6:,.0f} MB, memory {rest:,.0f} MB before, {peak:,.0f} MB at most")


@contextmanager
def served(file: Path) -> Iterator[tuple[str, int]]:
    """The app in a process of its own: its URL and the number of the process."""
    command = [sys.executable, "-c", "from sqlscore.cli import main; main()", "app", str(file), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        if found is None:
            raise SystemExit("the app did not start")
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(60)


def say(name: str, run: Callable[[], Any], process: int | None = None) -> Any:
    """Run it, and print how long it took, and how much processor time this process, or another one, used meanwhile."""
    start, before = time.perf_counter(), processor_seconds(process)
    result = run()
    seconds, used = time.perf_counter() - start, processor_seconds(process) - before
    chosen = f", {result:,} customers" if isinstance(result, int) else ""
    print(f"{name:36}{seconds:6.2f} s, {used:.2f} s of processor time{chosen}", flush=True)
    return result


def processor_seconds(process: int | None = None) -> float:
    """What a process has used so far, this one if none is named; of another one Linux alone tells."""
    if process is None:
        return time.process_time()
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(process: int | None = None) -> float:
    """What a process holds in memory just now, in MB; Linux alone tells."""
    pages = Path(f"/proc/{process or os.getpid()}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
