"""XES (IEEE 1849): traces of events with typed attributes, as rows of two spools."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.spool import Spool
from sqlscore.mapping.process_logs.typing import KINDS
from sqlscore.mapping.process_logs.xml import read_xml

_OTHER_ROOTS = {
    "WorkflowLog": "MXML, the format before XES: convert it, for example with ProM",
    "pnml": "a Petri net (PNML), which has no events",
    "definitions": "a BPMN model, which has no events",
    "ocel": "an OCEL log: read it by --from ocel",
}
_OCEL = ("object-types", "event-types", "objects", "events")
_LOG, _TRACE, _EVENT = 1, 2, 3  # how deep in the document the elements stand


@dataclass
class Header:
    """What a log declares of itself, and what of it is not read.

    Attributes:
        classifiers: keys that name an action together, by the name of the classifier.
        defaults: values of attributes that the log calls global, by scope (trace, event) and key.
        skipped: attributes within attributes, lists and elements that XES does not know, by what they are.
    """

    classifiers: dict[str, list[str]] = field(default_factory=dict)
    defaults: dict[str, dict[str, str]] = field(default_factory=lambda: {"trace": {}, "event": {}})
    skipped: Counter[str] = field(default_factory=Counter)


class XesReader:
    """Takes the elements of a log as they begin and end; `events` and `traces` are then filled."""

    def __init__(self, path: Path, folder: Path | None) -> None:
        """Read nothing yet.

        Args:
            path: The file, for messages.
            folder: Where rows wait.
        """
        self.path, self.header = path, Header()
        self.text = None
        self.events, self.traces = Spool(folder, ("trace", "place")), Spool(folder, ("trace",))
        self._depth = self._trace = self._place = 0
        self._in_trace = self._in_event = False
        self._global: dict[str, str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._in_event:
            if self._depth == _EVENT + 1 and tag in KINDS and "value" in attributes and "key" in attributes:
                self.events.put(tag, attributes["key"], attributes["value"])  # nearly all of a log is this
                return
            self._attribute(self.events, _EVENT, tag, attributes)
        elif self._in_trace:
            if self._depth == _EVENT and _local(tag) == "event":
                self._in_event = True
            else:
                self._attribute(self.traces, _TRACE, tag, attributes)
        elif self._depth == _LOG:
            self._root(_local(tag))
        elif self._depth == _TRACE:
            self._top(_local(tag), attributes)
        elif self._global is not None and self._depth == _TRACE + 1 and "key" in attributes:
            self._global[attributes["key"]] = attributes.get("value", "")

    def end(self, tag: str) -> None:
        """An element ends."""
        depth = self._depth
        self._depth = depth - 1
        if depth > _EVENT:
            return
        if depth == _EVENT and self._in_event:
            self._place += 1
            self.events.end_row(self._trace, self._place)
            self._in_event = False
        elif depth == _TRACE:
            if self._in_trace:
                self.traces.end_row(self._trace)
            self._in_trace, self._global = False, None

    def place(self) -> str:
        """Where the reader is, in words."""
        return f"trace {self._trace}" if self._trace else "before the first trace"

    def close(self) -> None:
        """Delete the rows."""
        self.events.close()
        self.traces.close()

    def _attribute(self, spool: Spool, owner: int, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == owner + 1:
            kind = tag if tag in KINDS else _local(tag)
            if kind in KINDS and "key" in attributes:
                if "value" in attributes:
                    spool.put(kind, attributes["key"], attributes["value"])
            else:
                self.header.skipped["lists" if kind in ("list", "container") else f"<{kind}>"] += 1
        elif "key" in attributes:
            self.header.skipped["attributes within attributes"] += 1

    def _top(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "trace":
            self._in_trace, self._place = True, 0
            self._trace += 1
        elif tag == "global":
            self._global = self.header.defaults.setdefault(attributes.get("scope", "event"), {})
        elif tag == "classifier":
            keys = [quoted or plain for quoted, plain in re.findall(r"'([^']*)'|(\S+)", attributes.get("keys", ""))]
            self.header.classifiers[attributes.get("name", "")] = keys
        elif tag == "event":
            self.header.skipped["events outside of traces"] += 1
        elif tag in _OCEL:
            raise MappingError(f"{self.path} is an OCEL log, not XES (it has <{tag}>): read it by --from ocel")

    def _root(self, tag: str) -> None:
        if tag != "log":
            what = _OTHER_ROOTS.get(tag, f"other XML, whose first element is <{tag}>")
            raise MappingError(f"{self.path} is not XES, whose first element is <log>, but {what}")


def read_xes(path: Path, folder: Path | None) -> XesReader:
    """Read a log, which may be compressed by gzip, in memory that does not grow with it.

    Args:
        path: The file.
        folder: Where rows wait until all attributes are known; None for the system's temporary folder.

    Raises MappingError if the file is damaged, or is no XES.
    """
    reader = XesReader(path, folder)
    try:
        read_xml(path, reader, "XES")
        if not reader.events.n_rows:
            found = ", ".join(f"{count} {what}" for what, count in reader.header.skipped.items()) or "none of either"
            raise MappingError(
                f"{path} has no events in {reader.traces.n_rows} traces ({found}): a log that can be scored has them "
                "in <trace> elements, one a case"
            )
    except BaseException:
        reader.close()
        raise
    return reader


def _local(tag: str) -> str:
    """The name of an element without its namespace's prefix."""
    return tag.rpartition(":")[2]
