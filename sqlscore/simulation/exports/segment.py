"""Segment's and RudderStack's warehouse tables as CSV: tracks, pages, identifies, and the table of an event."""

from __future__ import annotations

from pathlib import Path

from sqlscore.simulation.exports.visits import Act, Made, known_person, stamp, truth_of, twice, visits, write_csv


def write_segment(
    folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0, *, channel: str | None = None
) -> Made:
    """Write tracks.csv, pages.csv, identifies.csv, users.csv and purchase.csv, whose rows are in tracks too.

    One row in nine is delivered twice, later. Only identifies says who a device's user is.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
        channel: Adds RudderStack's column of that name.
    """
    acts = visits(users, seed, arrived)
    tables: dict[str, list[dict[str, object]]] = {"tracks": [], "pages": [], "identifies": [], "purchase": []}
    told, repeated = set(), 0
    for act in acts:
        row = _row(act, channel)
        page = act.action == "page_view"
        kind = {"name": "Home", "path": "/"} if page else {"event": act.action, "event_text": act.action.title()}
        copies = [row, {**row, "received_at": stamp(act.sent + 9_000_000), "timestamp": stamp(act.time + 70)}]
        delivered = [{**each, **kind} for each in copies[: 2 if twice(act) else 1]]
        tables["pages" if page else "tracks"] += delivered
        if act.action == "purchase":
            tables["purchase"] += [{**each, "total": 9.5} for each in delivered]
        repeated += len(delivered) * (2 if act.action == "purchase" else 1) - 1
        if act.logged_in and act.device not in told:
            told.add(act.device)
            tables["identifies"].append({**row, "id": f"identify-{act.device}", "user_id": act.person})
    for name, rows in tables.items():
        write_csv(Path(folder) / f"{name}.csv", rows[::-1])
    write_csv(Path(folder) / "users.csv", [{"id": user, "received_at": stamp(acts[0].sent)} for user in ("a", "b")])
    truth = truth_of(acts, what=lambda act: "page:Home" if act.action == "page_view" else act.action)
    return Made((str(folder),), truth, repeated=repeated, excluded=len(told))


def write_rudderstack(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """The same in RudderStack's form."""
    return write_segment(folder, users, seed, arrived, channel="web")


def _row(act: Act, channel: str | None) -> dict[str, object]:
    own = {"channel": channel} if channel is not None else {}
    return {
        "id": f"ajs-{act.place}-{act.device}",
        "anonymous_id": act.device,
        "user_id": known_person(act) if act.place % 2 else None,
        "received_at": stamp(act.sent),
        "sent_at": stamp(act.sent - 1_000_000),
        "original_timestamp": stamp(act.time + 3_600_000_000),
        "timestamp": stamp(act.time),
        **own,
    }
