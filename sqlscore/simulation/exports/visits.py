"""What people did, whatever tool writes it down: the events of an export, and whose they are."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

START = 1_735_689_600_000_000
"""2025-01-01, in µs since 1970: the exports begin here."""

_DAY = 86_400_000_000
_STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")


_LATE = 2
"""The device whose login reaches the vendor after everything else."""


@dataclass(frozen=True)
class Act:
    """One event, as it happened.

    Attributes:
        person: who: a user's id, or None if the device's user is not known.
        device: the id of the browser or telephone.
        time: µs since 1970, UTC; several acts of a device may have the same.
        place: in the order in which the device did things; in it, not in that of the names, equal times are resolved.
        action: what.
        logged_in: the device knew the user at that moment.
        sent: µs since 1970: when the event reached the vendor; of one moment those done first come first.
    """

    person: str | None
    device: str
    time: int
    place: int
    action: str
    logged_in: bool
    sent: int


@dataclass(frozen=True)
class Made:
    """An export that was written, and the truth.

    Attributes:
        paths: of what was written, as `map_export` takes them: files or globs.
        truth: the events of each user as (time, action) in their order; time in µs since 1970, UTC.
        repeated: rows that were written twice.
        excluded: rows of actions that are no events.
    """

    paths: tuple[str, ...]
    truth: dict[str, list[tuple[int, str]]]
    repeated: int = 0
    excluded: int = 0


def visits(users: int = 40, seed: int = 0, arrived: float = 1.0, days: int = 20) -> list[Act]:
    """What people did, a device after the other, each in its order.

    Two in five people log in, some of them on two devices, and most look around before; one batch of events of each
    visit has the same time, and its order is not that of the alphabet.

    Args:
        users: Devices, 4 or more.
        seed: Of all random numbers; the same arguments give the same acts.
        arrived: The share of the events that the vendor has by now; a login that is not among them is not known yet.
        days: The span.
    """
    rng = np.random.default_rng(seed)
    acts: list[Act] = []
    for number in range(users):
        person = f"user_{number - number % 5}" if number % 5 < 3 else None  # three devices a person
        device = f"{1_000_000 + 7919 * number}.{1_700_000_000 + number}"
        place, logged_in = 0, False
        for _ in range(int(rng.integers(1, 5))):
            time = START + int(rng.integers(0, days * _DAY // 1000)) * 1000
            late = 36 * 3_600_000_000 if rng.random() < 0.05 else 2_000_000
            when = max(time, acts[-1].time + 3_600_000_000 if acts and acts[-1].device == device else 0)
            for step in range(int(rng.integers(2, 6))):
                action = "session_start" if step == 0 else str(rng.choice(_STEPS))
                if step == 1:  # at the moment of the start, and before it by the alphabet
                    action = "page_view"
                elif step:
                    when += int(rng.integers(1, 400)) * 1_000_000
                acts.append(Act(person, device, when, place, action, logged_in, when + late + 1_000 * place))
                place += 1
                logged_in = logged_in or (person is not None and number != _LATE and rng.random() < 0.3)
        if number == _LATE:
            acts[-1] = replace(acts[-1], logged_in=True, sent=START + (days + 3) * _DAY)
    last = sorted(act.sent for act in acts)[int(arrived * (len(acts) - 1))]
    return _settled([act for act in acts if act.sent <= last])


def known_person(act: Act) -> str | None:
    """The user, if the device knew him at that moment."""
    return act.person if act.logged_in else None


def stamp(time: int) -> str:
    """A moment in µs as 2025-01-01 00:00:00.123000."""
    return f"{datetime.fromtimestamp(time // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}.{time % 1_000_000:06d}"


def write_csv(path: Path, rows: Sequence[Mapping[str, object]], delimiter: str = ",") -> None:
    """Rows as CSV, with the names of the first one's keys; None is an empty field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Rows as JSON lines, packed if the name ends in .gz; a key without a value is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = ({key: value for key, value in row.items() if value is not None} for row in rows)
    text = "".join(json.dumps(row) + "\n" for row in kept).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def twice(act: Act) -> bool:
    """Whether the act is delivered twice."""
    return (act.time // 1_000_000 + act.place) % 9 == 0


def _settled(acts: Sequence[Act]) -> list[Act]:
    """The acts with a person only where the device ever knew its user."""
    known = {act.device for act in acts if act.logged_in}
    return [act if act.device in known else replace(act, person=None) for act in acts]


def person_or_device(act: Act) -> str:
    """Who sqlscore takes for the user of an event, where the export has devices."""
    return act.person if act.person is not None else f"device:{act.device}"


def truth_of(
    acts: Sequence[Act],
    rounded: int = 1,
    who: Callable[[Act], str] = person_or_device,
    what: Callable[[Act], str] = lambda act: act.action,
) -> dict[str, list[tuple[int, str]]]:
    """The events of each user in order.

    Args:
        acts: What happened; two devices of a person do nothing at the same moment.
        rounded: µs that the export's times are whole numbers of.
        who: The user of an event.
        what: Its action as it is read.
    """
    found: dict[str, list[tuple[int, int, str]]] = {}
    for act in acts:
        found.setdefault(who(act), []).append((act.time // rounded * rounded, act.place, what(act)))
    return {user: [(time, action) for time, _, action in sorted(events)] for user, events in found.items()}
