"""OCEL 2.0: events that belong to several objects, as rows of three spools, whatever the file's form."""

from __future__ import annotations

from pathlib import Path

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.spool import Spool

KINDS = {"string": "string", "time": "date", "integer": "int", "float": "float", "boolean": "boolean"}
"""The types that OCEL gives attributes, as XES calls them."""

OCEL_1 = (
    "is an OCEL log of version 1, and 2.0 is read: convert it, for example with pm4py: "
    "pm4py.write_ocel2(pm4py.read_ocel(FILE), 'log.sqlite')"
)


class Ocel:
    """The events, objects and links of a log.

    Attributes:
        events: with their number in the log as `place`; texts "event id", "event type" and "event time", then the
            attributes, by kind and name.
        objects: texts "object id" and "object type".
        links: texts "link event", "link object" and "link qualifier" (empty if there is none); a pair stands there once
            for each qualifier.
    """

    def __init__(self, folder: Path | None) -> None:
        """Hold nothing yet.

        Args:
            folder: Where rows wait; None for the system's temporary folder.
        """
        self.events, self.objects, self.links = Spool(folder, ("place",)), Spool(folder, ()), Spool(folder, ())

    def add_object(self, identity: str, kind: str) -> None:
        """An object of the log."""
        self.objects.put("object", "id", identity)
        self.objects.put("object", "type", kind)
        self.objects.end_row()

    def add_link(self, event: str, linked: str, qualifier: str) -> None:
        """An event belongs to an object; `qualifier` says as what, and may be empty."""
        self.links.put("link", "event", event)
        self.links.put("link", "object", linked)
        self.links.put("link", "qualifier", qualifier)
        self.links.end_row()

    def add_event(self, identity: str, kind: str, time: str | None, place: int | None = None) -> None:
        """An event, whose attributes were put before.

        Args:
            identity: Its id.
            kind: Its type.
            time: As it is written; None if it has none.
            place: Its number in the log; by default the next.
        """
        self.events.put("event", "id", identity)
        self.events.put("event", "type", kind)
        if time is not None:
            self.events.put("event", "time", time)
        self.events.end_row(self.events.n_rows + 1 if place is None else place)

    def check(self, path: Path) -> None:
        """Raise MappingError if there are no events, no times, or no links to objects."""
        lacking = [what for what in ("events", "objects", "links") if not getattr(self, what).n_rows]
        if lacking:
            raise MappingError(f"{path} has no {' and no '.join(lacking)}: a log that can be scored has all three")
        if "event" not in self.events.keys.get("time", ()):
            raise MappingError(f"{path}: no event has a time, and a log without times cannot be scored")

    def close(self) -> None:
        """Delete the rows."""
        for spool in (self.events, self.objects, self.links):
            spool.close()
