"""OCEL 2.0 as XML, read piece by piece."""

from __future__ import annotations

from pathlib import Path

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.ocel import KINDS, OCEL_1, Ocel
from sqlscore.mapping.process_logs.xml import read_xml


class _Reader:
    """Takes the elements of a log as they begin and end."""

    def __init__(self, path: Path, log: Ocel) -> None:
        self._path, self._log = path, log
        self._inside: list[str] = []
        self._types: dict[tuple[str, str], str] = {}  # the kind of an attribute, by event type and name
        self._type = ""  # the event type that is declared
        self._item: dict[str, str] = {}  # the event or object
        self._attribute: str | None = None
        self._value: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        tag = tag.rpartition(":")[2]
        self._inside.append(tag)
        match self._inside:
            case ["log", "events", "event", *deeper] if deeper:
                self._in_event(deeper, attributes)
            case ["log", "events", "event"] | ["log", "objects", "object"]:
                self._item = attributes
                lacking = [name for name in ("id", "type") if name not in attributes]
                if lacking:
                    raise MappingError(
                        f'{self._path} is no OCEL 2.0: an <{tag}> has no "{lacking[0]}": export it again'
                    )
            case ["log", "event-types", "event-type"]:
                self._type = attributes.get("name", "")
            case ["log", "event-types", "event-type", "attributes", "attribute"]:
                declared = KINDS.get(attributes.get("type", ""), "string")
                self._types[self._type, attributes.get("name", "")] = declared
            case _:
                self._refuse_others(tag, attributes)

    def _in_event(self, deeper: list[str], attributes: dict[str, str]) -> None:
        match deeper:
            case ["attributes", "attribute"]:
                self._attribute = attributes.get("name")
                self._value.clear()
            case ["objects", "relationship" | "object"] if "object-id" in attributes:
                self._log.add_link(self._item["id"], attributes["object-id"], attributes.get("qualifier", ""))

    def _refuse_others(self, tag: str, attributes: dict[str, str]) -> None:
        """Raise MappingError at what OCEL 2.0 does not have."""
        match self._inside:
            case [root] if root != "log":
                raise MappingError(f"{self._path} is not OCEL 2.0, whose first element is <log>, but has <{root}>")
            case ["log", "trace" | "classifier" | "extension"]:
                raise MappingError(f"{self._path} is XES, not OCEL (it has <{tag}>): read it by --from xes")
            case ["log", "global", "string"] if attributes.get("key", "").startswith("ocel:"):
                raise MappingError(f"{self._path} {OCEL_1}")

    def text(self, piece: str) -> None:
        """Text of the document."""
        if self._attribute is not None:
            self._value.append(piece)

    def end(self, tag: str) -> None:
        """An element ends."""
        match self._inside:
            case ["log", "events", "event"]:
                self._log.add_event(self._item["id"], self._item["type"], self._item.get("time"))
            case ["log", "objects", "object"]:
                self._log.add_object(self._item["id"], self._item["type"])
            case ["log", "events", "event", "attributes", "attribute"] if self._attribute is not None:
                kind = self._types.get((self._item["type"], self._attribute), "string")
                self._log.events.put(kind, self._attribute, "".join(self._value))
                self._attribute = None
        self._inside.pop()

    def place(self) -> str:
        """Where the reader is, in words."""
        return f"event {self._log.events.n_rows + 1}" if self._log.events.n_rows else "before the first event"


def read_ocel_xml(path: Path, log: Ocel) -> None:
    """Read the events, objects and links of a file, which may be compressed by gzip.

    Args:
        path: The file.
        log: Takes them.

    Raises MappingError if the file is damaged, declares entities, or is no OCEL 2.0.
    """
    read_xml(path, _Reader(path, log), "OCEL")
