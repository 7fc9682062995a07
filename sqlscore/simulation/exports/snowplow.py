"""Snowplow's atomic events as CSV with a header, of the columns that Snowplow's canonical event model names."""

from __future__ import annotations

from pathlib import Path

from sqlscore.simulation.exports.visits import Act, Made, known_person, stamp, truth_of, twice, visits, write_csv


def write_snowplow(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write events.csv: one row in nine is delivered twice, and each page that is open sends page pings.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    acts, rows, pings = visits(users, seed, arrived), [], 0
    for act in acts:
        row = _row(act, act.action)
        rows.append(row)
        if twice(act):  # a retry arrives later, and says so in its times
            rows.append(
                {**row, "collector_tstamp": stamp(act.sent + 5_000_000), "derived_tstamp": stamp(act.time + 40)}
            )
        if act.action == "page_view":
            rows.append({**_row(act, "page_ping"), "event_id": f"ping-{row['event_id']}"})
            pings += 1
    write_csv(Path(folder) / "events.csv", rows[::-1])
    return Made((str(Path(folder) / "events.csv"),), truth_of(acts), repeated=sum(map(twice, acts)), excluded=pings)


def _row(act: Act, name: str) -> dict[str, object]:
    mobile = act.device.endswith("1")  # telephones have no cookie, and their id in a context
    return {
        "app_id": "shop",
        "platform": "mob" if mobile else "web",
        "collector_tstamp": stamp(act.sent),
        "dvce_created_tstamp": stamp(act.time + act.place),
        "event_id": f"{act.place:08x}-{act.device}",
        "event_name": name,
        "user_id": known_person(act),
        "domain_userid": None if mobile else act.device,
        "geo_country": "JP",
        "page_urlpath": f"/{act.action}",
        "contexts_com_snowplowanalytics_snowplow_client_session_1": f'[{{"userId": "{act.device}"}}]'
        if mobile
        else None,
        "derived_tstamp": stamp(act.time),
    }
