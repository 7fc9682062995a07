"""Mixpanel's raw export: JSON lines of event and properties, times in whole seconds."""

from __future__ import annotations

from pathlib import Path

from sqlscore.simulation.exports.visits import Made, known_person, truth_of, twice, visits, write_lines


def write_mixpanel(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write export.jsonl: one row in nine is delivered twice, a login sends $identify.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    acts, rows, logins = visits(users, seed, arrived), [], set()
    for act in acts:
        user = known_person(act)
        properties = {
            "time": act.time // 1_000_000,
            "distinct_id": user if user is not None else f"$device:{act.device}",
            "$browser": "Firefox",
            "$device_id": act.device,
            "$insert_id": f"{act.place}-{act.device}",
            "$os": "Linux",
            "mp_country_code": "JP",
            "mp_processing_time_ms": act.sent // 1_000,
            **({"$user_id": user} if user is not None else {}),
        }
        again = {**properties, "mp_processing_time_ms": act.sent // 1_000 + 60_000}
        rows += [
            {"event": act.action, "properties": each} for each in ([properties, again] if twice(act) else [properties])
        ]
        if user is not None and act.device not in logins:
            logins.add(act.device)
            rows.append({"event": "$identify", "properties": {**properties, "$insert_id": f"identify-{act.device}"}})
    path = Path(folder) / "export.jsonl"
    write_lines(path, rows[::-1])
    truth = truth_of(acts, rounded=1_000_000)
    return Made((str(path),), truth, repeated=sum(map(twice, acts)), excluded=len(logins))
