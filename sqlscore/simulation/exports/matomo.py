"""Matomo's log tables as tab-separated dumps with a header: NULL as `mysql --batch` writes it, visitors in hex."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

from sqlscore.simulation.exports.visits import Act, Made, stamp, truth_of, twice, visits, write_csv

_NULL = "NULL"


def write_matomo(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write matomo_log_visit.tsv, matomo_log_link_visit_action.tsv and matomo_log_action.tsv.

    One row in nine of the actions stands there twice.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    acts = visits(users, seed, arrived)
    names = {name: number for number, name in enumerate(sorted({act.action for act in acts}), 1)}
    done: list[dict[str, object]] = []
    seen: dict[int, dict[str, object]] = {}
    for act in acts:
        visit = crc32(act.device.encode()) * 100 + act.time // 86_400_000_000 % 100
        row: dict[str, object] = {
            "idlink_va": crc32(act.device.encode()) * 1_000 + act.place,
            "idvisit": visit,
            "idaction_url": names[act.action],
            "idaction_name": 0 if act.place % 2 else _NULL,
            "idaction_event_action": _NULL,
            "server_time": stamp(act.time)[:19],
        }
        done += [row, row] if twice(act) else [row]
        known = act.person if act.logged_in else seen.get(visit, {}).get("user_id", _NULL)
        seen[visit] = {
            "idvisit": visit,
            "idvisitor": f"{crc32(act.device.encode()):016X}",
            "user_id": known,
            "visit_last_action_time": stamp(act.time)[:19],
            "location_country": "jp",
            "config_device_type": 1,
        }
    actions: list[dict[str, object]] = [{"idaction": n, "name": name, "type": 1} for name, n in names.items()]
    for table, rows in (
        ("log_link_visit_action", done[::-1]),
        ("log_visit", [*seen.values()]),
        ("log_action", actions),
    ):
        write_csv(Path(folder) / f"matomo_{table}.tsv", rows, "\t")
    truth = truth_of(acts, rounded=1_000_000, who=_visitor)
    return Made((str(Path(folder) / "*.tsv"),), truth, repeated=sum(map(twice, acts)))


def _visitor(act: Act) -> str:
    return act.person or f"device:{crc32(act.device.encode()):016X}"
