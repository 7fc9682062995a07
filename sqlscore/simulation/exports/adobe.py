"""Adobe Analytics' data feed: hit_data.tsv without a header, column_headers.tsv, and a lookup table."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

from sqlscore.simulation.exports.visits import Act, Made, truth_of, twice, visits


def write_adobe(folder: Path | str, users: int = 40, seed: int = 0, arrived: float = 1.0) -> Made:
    """Write hit_data.tsv, column_headers.tsv and browser.tsv: some hits are excluded, others are summaries.

    One in six was sent a day after it was made, and a variable holds tabs, ends of lines and backslashes.

    Args:
        folder: Where to; it is made.
        users: Devices.
        seed: Of all random numbers.
        arrived: The share of the events that the export has by now.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    acts = visits(users, seed, arrived)
    rows: list[dict[str, object]] = []
    for act in acts:
        hit = _hit(act)
        rows += [hit, hit] if twice(act) else [hit]
        if act.place % 5 == 0:
            rows.append({**hit, "hitid_low": f"9{act.place}", "exclude_hit": 1})
            rows.append({**hit, "hitid_low": f"8{act.place}", "hit_source": 5})
    (folder / "column_headers.tsv").write_text("\t".join(rows[0]) + "\n", encoding="utf-8")
    lines = ("\t".join(map(str, row.values())) + "\n" for row in rows[::-1])
    (folder / "hit_data.tsv").write_text("".join(lines), encoding="utf-8")
    (folder / "browser.tsv").write_text("1\tFirefox\n", encoding="utf-8")
    truth = truth_of(acts, rounded=1_000_000, who=_visitor)
    return Made((str(folder),), truth, repeated=sum(map(twice, acts)))


def _hit(act: Act) -> dict[str, object]:
    late = 86_400 * (act.place % 6 == 0)  # done offline, and sent when the device was online again
    return {
        "hit_time_gmt": act.time // 1_000_000 + late,
        "cust_hit_time_gmt": act.time // 1_000_000 if late else 0,
        "hitid_high": 3_000_000_000_000_000_000 + crc32(act.device.encode()),
        "hitid_low": 1_000 + act.place,
        "post_visid_high": 7_000_000_000_000_000_000 + crc32(act.device.encode()),
        "post_visid_low": 42,
        "visit_num": 1,
        "visit_page_num": act.place + 1,
        "exclude_hit": 0,
        "hit_source": 1,
        "post_evar1": ("plain", "a tab \\\t here", "two \\\n lines", "C:\\\\")[act.place % 4],
        "post_pagename": act.action,
        "post_page_event": 0,
        "geo_country": "jpn",
    }


def _visitor(act: Act) -> str:
    hit = _hit(act)
    return f"{hit['post_visid_high']}:{hit['post_visid_low']}"
