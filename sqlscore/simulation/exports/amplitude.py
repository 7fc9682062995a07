"""Amplitude's Export API: JSON lines, packed, a file an hour; here one in all."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

from sqlscore.simulation.exports.visits import Act, Made, known_person, stamp, truth_of, twice, visits, write_lines


def write_amplitude(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write 100_2025-01-01_0#0.json.gz: one row in nine is delivered twice, and user_id is what the app sent.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    acts, rows = visits(users, seed, arrived), []
    for act in acts:
        row: dict[str, object] = {
            "$insert_id": f"{act.device}-{act.place}",
            "amplitude_id": int(amplitude_id(act)),
            "app": 100,
            "client_event_time": stamp(act.time),
            "client_upload_time": stamp(act.sent),
            "country": "Japan",
            "device_id": act.device,
            "event_id": act.place,
            "event_time": stamp(act.time),
            "event_type": act.action,
            "os_name": "Chrome",
            "platform": "Web",
            "user_id": f"{known_person(act)}@shop.example" if act.logged_in else None,
        }
        if twice(act):  # sent before, with a clock that was wrong
            early = {"client_upload_time": stamp(act.sent - 1_000_000), "event_time": stamp(act.time - 900_000)}
            rows.append({**row, **early})
        rows.append(row)
    path = Path(folder) / "100_2025-01-01_0#0.json.gz"
    write_lines(path, rows)
    return Made((str(path),), truth_of(acts, who=amplitude_id), repeated=sum(map(twice, acts)))


def amplitude_id(act: Act) -> str:
    """The user as Amplitude knows him: a new device is somebody else until somebody logs in."""
    return str(700_000_000_000 + crc32((known_person(act) or act.device).encode()))
