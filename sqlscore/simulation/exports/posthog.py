"""PostHog's batch export as JSON lines: the events model and the persons model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlscore.simulation.exports.visits import Act, Made, known_person, stamp, truth_of, twice, visits, write_lines


def write_posthog(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write events.jsonl.gz and persons.jsonl.gz: a login sends $identify and merges two persons.

    One row in nine is delivered twice; an event's person_id is the person of that moment, as PostHog leaves it.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    acts, rows, logins = visits(users, seed, arrived), [], set()
    persons = []
    for act in acts:
        row: dict[str, Any] = {
            "uuid": f"{act.time // 1_000:012x}{act.place:06x}{int(act.device[:7]):014x}",
            "event": act.action,
            "timestamp": f"{stamp(act.time).replace(' ', 'T')}+00:00",
            "distinct_id": known_person(act) or act.device,
            "person_id": f"person-{known_person(act) or act.device}",
            "properties": {"$browser": "Safari", "$os": "iOS", "$pathname": f"/{act.action}"},
        }
        rows += [row, row] if twice(act) else [row]
        if act.logged_in and act.device not in logins:
            logins.add(act.device)
            rows.append({**row, "uuid": f"f{row['uuid'][1:]}", "event": "$identify"})
    for act in {act.device: act for act in acts}.values():
        persons.append(
            {"distinct_id": act.device, "person_id": f"person-{act.device}", "person_distinct_id_version": 0}
        )
        if act.person is not None:
            merged = {"person_id": f"person-{act.person}", "person_distinct_id_version": 1}
            persons += [{"distinct_id": act.device, **merged}, {"distinct_id": act.person, **merged}]
    write_lines(Path(folder) / "events.jsonl.gz", rows[::-1])
    write_lines(Path(folder) / "persons.jsonl.gz", persons[::-1])
    paths = (str(Path(folder) / "events.jsonl.gz"), str(Path(folder) / "persons.jsonl.gz"))
    return Made(paths, truth_of(acts, who=_person), repeated=sum(map(twice, acts)), excluded=len(logins))


def _person(act: Act) -> str:
    return f"person-{act.person or act.device}"
