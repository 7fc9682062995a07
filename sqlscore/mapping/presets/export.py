"""What a preset says of an export: the view that reads it, and how that view is mapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

EVENTS = "shown"
"""What the view shows, by the name that queries of `Counted` have for it."""


@dataclass(frozen=True)
class Counted:
    """A rule of the preset whose effect is told.

    Attributes:
        what: the rule did, in a few words: "devices with a known user".
        sql: a query for one whole number, which may read the parts of the view, and EVENTS, what the view shows:
            `SELECT count(*) FROM known`.
    """

    what: str
    sql: str


@dataclass(frozen=True)
class Export:
    """An export that was found, as a view over it.

    Attributes:
        parts: named queries, in the order in which they stand in the view's WITH. One called "delivered" is all rows of
            the export, which are counted.
        query: the SELECT of the view, with user_id, event_time (TIMESTAMP in UTC) and event_type, with the columns of
            `device_id`, `event_id` and `order`, and with others that a model may read.
        device_id: as `map_events` has it; rows that only say who uses a device have an action of `exclude_types`.
        event_id: as `map_events` has it; empty if the view has each event once.
        order: as `map_events` has it.
        exclude_types: as `map_events` has it.
        counted: what is told of the rules, besides what the mapping tells.
        ids_of_all: an id is to be one user's, and this is checked.
        remarks: what else the user should know.
    """

    parts: dict[str, str]
    query: str
    device_id: str | None = None
    event_id: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    counted: tuple[Counted, ...] = ()
    ids_of_all: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The view's query, to be read and edited by people."""
        return f"{self.beginning}{self.query}"

    @property
    def beginning(self) -> str:
        """The view's WITH."""
        return f"WITH {', '.join(self.named_parts)}\n" if self.parts else ""

    @property
    def named_parts(self) -> tuple[str, ...]:
        """The parts as a WITH lists them."""
        return tuple(f"{name} AS (\n{_indented(query)}\n)" for name, query in self.parts.items())


Build = Callable[[duckdb.DuckDBPyConnection, Sequence[str], dict[str, Any]], Export]
"""Of a connection, what the user named (files, globs, folders, tables) and options of the preset's own."""


Load = Callable[[duckdb.DuckDBPyConnection, Path, str, dict[str, Any]], tuple[str, ...]]
"""Of a connection, the one file that the user named, the table that it is read into, and options of the preset's own:
returns what the user should know. It raises MappingError as `Build` does, and then makes no table."""


@dataclass(frozen=True)
class Preset:
    """A format that `--from` knows.

    Attributes:
        name: as `--from` has it.
        title: as people say it, "GA4 (BigQuery)".
        build: finds the export and says how it is read. It raises MappingError, which names file, column or line and
            the remedy, and changes nothing in the database but tables that it needs and names itself.
        signs: sets of names of columns, each of which tells this format from others.
        options: names of the options of its own that `build` and `load` take.
        load: reads the export into a table first, which `build` is then given in place of the file: for formats that
            no view can read.
    """

    name: str
    title: str
    build: Build
    signs: tuple[frozenset[str], ...] = ()
    options: tuple[str, ...] = field(default=())
    load: Load | None = None


def _indented(query: str) -> str:
    return "\n".join(f"    {line}" for line in query.splitlines())
