"""Claims as an XES file, with all that such files have: typed, nested and listed attributes, offsets, classifiers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from sqlscore.simulation.claims import Claims

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="2.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <global scope="trace">
    <string key="concept:name" value="UNKNOWN"/>
  </global>
  <global scope="event">
    <string key="concept:name" value="UNKNOWN"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+01:00"/>
    <string key="lifecycle:transition" value="complete"/>
  </global>
  <classifier name="Activity" keys="concept:name lifecycle:transition"/>
  <string key="source" value="simulated"/>
"""


def write_xes(claims: Claims, path: Path | str, copies: int = 1) -> None:
    """Write claims as an XES file, compressed if its name ends in .gz.

    Times have the offset of Berlin. Each case has one attribute within another, which is not read.

    Args:
        claims: What was recorded.
        path: The file, which is replaced.
        copies: So often the claims are written, the later times under other names: for files of any size.
    """
    path = Path(path)
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        if copies == 1:
            file.writelines(_traces(claims))
        else:
            whole = "".join(_traces(claims))
            file.writelines(whole.replace('value="claim ', f'value="copy {copy} of claim ') for copy in range(copies))
        file.write("</log>\n")


def _traces(claims: Claims) -> Iterator[str]:
    events = iter(_rows(claims.events.to_batches(10_000)))
    event = next(events, None)
    for case in _rows(claims.cases.to_batches(10_000)):
        yield "  <trace>\n"
        yield _attribute(4, "string", "concept:name", case["case"])
        yield _attribute(4, "boolean", "urgent", str(case["urgent"]).lower())
        yield _attribute(4, "date", "reported", _in_berlin(case["reported"]))
        yield '    <string key="channel" value="post">\n      <int key="shelf" value="7"/>\n    </string>\n'
        while event is not None and event["case"] == case["case"]:
            yield "    <event>\n"
            yield _attribute(6, "string", "concept:name", event["event_type"])
            yield _attribute(6, "string", "lifecycle:transition", event["lifecycle"])
            yield _attribute(6, "date", "time:timestamp", _in_berlin(event["event_time"]))
            yield _attribute(6, "string", "org:resource", event["resource"])
            if event["documents"] is not None:
                yield _attribute(6, "int", "documents", str(event["documents"]))
            if event["amount"] is not None:
                yield _attribute(6, "float", "amount", str(event["amount"]))
            yield "    </event>\n"
            event = next(events, None)
        yield "  </trace>\n"


def _rows(batches: list[Any]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _attribute(indent: int, kind: str, key: str, value: str) -> str:
    return f"{' ' * indent}<{kind} key={quoteattr(key)} value={quoteattr(value)}/>\n"


def _in_berlin(moment: datetime) -> str:
    """An ISO 8601 time with an offset as in Berlin, of which summer is April to October here."""
    zone = timezone(timedelta(hours=2 if 4 <= moment.month <= 10 else 1))
    return moment.replace(tzinfo=UTC).astimezone(zone).isoformat(timespec="milliseconds")
