"""Ratios of CPU seconds, small and quick, against a stored baseline: what CI runs to notice that something got slower.

    python benchmarks/gate.py [--update]

CPU seconds of the whole process are compared, as other load on the machine touches them least; the two sides of a
ratio alternate, and the best of each counts. A ratio that is worse than the baseline by more than MARGIN fails.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from history import OVER
from incremental import change
from workload import in_turns, make_events, make_model

import sqlscore
from sqlscore.database.catalog import catalog
from sqlscore.database.events_query import canonical, usable_events
from sqlscore.database.scan import scan
from sqlscore.scoring.cache.states import STATES

BASELINE = Path(__file__).parent / "baseline.json"
MARGIN = 1.6
EVENTS, USERS = 150_000, 15_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the ratios of this run as the new baseline")
    chosen = parser.parse_args()
    found = measure()
    if chosen.update:
        BASELINE.write_text(json.dumps({name: round(ratio, 3) for name, ratio in found.items()}, indent=2) + "\n")
    baseline = json.loads(BASELINE.read_text())
    for name, ratio in found.items():
        print(f"{name:48} {ratio:6.3f}  baseline {baseline[name]:6.3f}")
    worse = regressions(found, baseline)
    if worse:
        raise SystemExit("\n".join(worse))


def regressions(found: dict[str, float], baseline: dict[str, float]) -> list[str]:
    """A sentence for each ratio that is worse than the baseline by more than MARGIN, or in one of the two alone."""
    alone = [f"{name} is in the baseline or in the run alone: update it" for name in found.keys() ^ baseline.keys()]
    worse = [
        f"{name} is {found[name]:.3f}, the baseline {baseline[name]:.3f}: {MARGIN} times is allowed"
        for name in found.keys() & baseline.keys()
        if found[name] > MARGIN * baseline[name]
    ]
    return sorted(alone + worse)


def measure() -> dict[str, float]:
    """All ratios; lower is better."""
    found: dict[str, float] = {}
    for architecture in ("gru", "mingru"):
        found |= _speeds(architecture)
    found["score_history / OVER with 50 preceding"] = _history()
    return found


def _speeds(architecture: str) -> dict[str, float]:
    """Each way to score against the one below it, on one table; for gru, an incremental refresh too."""
    with sqlscore.connect() as con:
        make_events(con, EVENTS, USERS, session_events=10)
        make_model(con, architecture)
        state = catalog(con)
        artifact, mapping = state.artifact(None, "events"), state.mapping("events")
        events = canonical(mapping, usable_events(con, mapping))
        batches = [artifact.batch(users.sequences) for users in scan(con, events)]

        def forward() -> None:
            for batch in batches:
                artifact.encode_batch(batch)

        def bulk() -> None:
            sqlscore.materialize(con, "events", into="bulk")

        def ad_hoc() -> None:
            STATES.clear()
            con.execute("CREATE OR REPLACE TABLE a AS SELECT user_id, score_events(e) FROM events e GROUP BY ALL")

        def full() -> None:
            sqlscore.refresh(con, full=True)

        runs: dict[str, Callable[[], object]] = {"forward": forward, "bulk": bulk, "ad hoc": ad_hoc, "full": full}
        seconds = in_turns(runs, clock=time.process_time)
        found = {
            f"{architecture}: bulk / bare forward": seconds["bulk"] / seconds["forward"],
            f"{architecture}: ad hoc / bulk": seconds["ad hoc"] / seconds["bulk"],
            f"{architecture}: full refresh / bulk": seconds["full"] / seconds["bulk"],
        }
        if architecture == "gru":
            found |= _incremental(con, seconds["full"])
        return found


def _incremental(con: duckdb.DuckDBPyConnection, full: float) -> dict[str, float]:
    found = {}
    for how, append_only in (("hashes", False), ("append-only", True)):
        sqlscore.map_events(con, "events", append_only=append_only, force=True)
        sqlscore.refresh(con)
        seconds = []
        for _ in range(3):
            change(con, 0.01)
            start = time.process_time()
            report = sqlscore.refresh(con)
            seconds.append(time.process_time() - start)
            if report.kind != "incremental":
                raise SystemExit(f"the refresh was {report.kind}: {report.reason}")
        found[f"incremental ({how}) / full"] = min(seconds) / full
    return found


def _history() -> float:
    with sqlscore.connect() as con:
        make_events(con, 8_000, 80)
        make_model(con)

        def windowed() -> None:
            STATES.clear()
            con.execute(OVER)

        seconds = in_turns(
            {"history": lambda: sqlscore.score_history(con, into="h"), "over": windowed}, 1, time.process_time
        )
    return seconds["history"] / seconds["over"]


if __name__ == "__main__":
    main()
