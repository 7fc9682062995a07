"""GA4's BigQuery export as JSON lines, a file a day: columns and nesting as in Google's "BigQuery Export schema"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlscore.simulation.exports.visits import Act, Made, known_person, truth_of, twice, visits, write_lines


def write_ga4(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write events_YYYYMMDD.json.gz, and one intraday file that repeats rows.

    One row in nine is delivered twice, the events of a moment are sent as one batch, event_date is in a zone nine hours
    from UTC, and whole numbers are texts, as BigQuery writes INT64 into JSON.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    folder = Path(folder)
    acts = visits(users, seed, arrived)
    days: dict[str, list[dict[str, Any]]] = {}
    for act in acts:
        row = ga4_row(act)
        rows = days.setdefault(row["event_date"], [])
        rows += [row, row] if twice(act) else [row]
    for day, rows in days.items():
        write_lines(folder / f"events_{day}.json.gz", rows[::-1])
    last = max(days)
    intraday = [{**row, "batch_event_index": None, "stream_id": "intraday"} for row in days[last][:5]]
    write_lines(folder / f"events_intraday_{last}.json.gz", intraday)
    return Made((str(folder / "events_*.json.gz"),), truth_of(acts), repeated=sum(map(twice, acts)))


def ga4_row(act: Act) -> dict[str, Any]:
    """One event as a row of the export."""
    local = datetime.fromtimestamp(act.time // 1_000_000, UTC) + timedelta(hours=9)
    params = [
        {"key": "ga_session_id", "value": {"int_value": str(act.time // 86_400_000_000)}},
        {"key": "page_location", "value": {"string_value": f"https://shop.example/{act.action}"}},
    ]
    return {
        "event_date": f"{local:%Y%m%d}",
        "event_timestamp": str(act.time),
        "event_name": act.action,
        "event_params": params,
        "user_id": known_person(act),
        "user_pseudo_id": act.device,
        "stream_id": "4242424242",
        "batch_page_id": str(act.time // 1_000),
        "batch_ordering_id": str(act.place // 10),
        "batch_event_index": str(act.place),
        "platform": "WEB",
        "device": {"category": "mobile" if len(act.device) % 2 else "desktop"},
        "geo": {"country": "Japan"},
    }
