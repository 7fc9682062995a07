"""Segment's and RudderStack's tables of a warehouse: tracks, pages, screens, identifies, and one a tracked event.

Sources: "Warehouse Schemas" of Segment and of RudderStack (`timestamp` is corrected for the device's clock; a tracked
event stands in tracks and, with the same id, in the table of its own name; id is the messageId) and the
dbt-labs/segment package: of rows with one id the first by received_at counts. RudderStack's "Append" adds rows that are
sent again. The tables users, groups, accounts and aliases hold no events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import Counted, Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, open_source
from sqlscore.mapping.presets.tables import tables_of
from sqlscore.quoting import identifier, literal

_NO_EVENTS = ("users", "groups", "accounts", "aliases", "_groups", "rudder_discards")
_COLUMNS = (
    Column("id", required=True),
    Column("timestamp", "TIMESTAMP", required=True),
    Column("received_at", "TIMESTAMP", required=True),
    Column("anonymous_id"),
    Column("user_id"),
    Column("event"),
    Column("name"),
    Column("path"),
    Column("context_page_path"),
)
_ACTIONS = {
    "tracks": "event",
    "pages": "'page:' || coalesce(name, path, context_page_path, '')",
    "screens": "'screen:' || coalesce(name, '')",
    "identifies": "'identify'",
}
_FIRST = "row_number() OVER (PARTITION BY id ORDER BY received_at, place) = 1"
_QUERY = """SELECT user_id,
    anonymous_id AS device_id,
    timestamp AS event_time,
    event_type,
    id AS event_id,
    received_at,
    path
FROM once"""


@dataclass(frozen=True)
class _Build:
    title: str

    def __call__(self, con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
        del options  # it has none
        tables = {name: parts for name, parts in tables_of(con, paths).items() if name not in _NO_EVENTS}
        if not set(tables) - {"identifies"}:
            raise MappingError(
                f"{paths[0]}: there is none of the tables tracks, pages and screens, nor one of an event of its own: "
                f"name the files or tables of {self.title} that hold events"
            )
        parts, rows = {}, []
        for place, name in enumerate(sorted(tables, key=lambda name: (name not in _ACTIONS, name))):
            source = open_source(con, tables[name], _COLUMNS)
            wanted = tuple(
                Column(c.name, c.kind, c.required or (c.name, name) == ("event", "tracks")) for c in _COLUMNS
            )
            check_columns(self.title, source, wanted)
            check_values(con, self.title, source, wanted)
            part = identifier(f"{name}_rows")
            parts[part] = selected(source, _COLUMNS)
            action = _ACTIONS.get(name, f"coalesce(event, {literal(name)})")
            rows.append(
                f"SELECT id, timestamp, received_at, anonymous_id, user_id, {action} AS event_type,\n"
                f"    coalesce(path, context_page_path) AS path, {place} AS place FROM {part}"
            )
        parts["delivered"] = "\nUNION ALL\n".join(rows)
        parts["once"] = f"SELECT * FROM delivered\nQUALIFY id IS NULL OR {_FIRST}"
        return Export(
            parts,
            _QUERY,
            device_id="device_id",
            order=("received_at", "event_id"),
            exclude_types=("identify",) if "identifies" in tables else (),
            counted=(
                Counted(
                    "rows delivered again, or in the table of their event too, left out",
                    "SELECT count(id) - count(DISTINCT id) FROM delivered",
                ),
            ),
        )


_SIGN = frozenset({"id", "anonymous_id", "received_at", "timestamp", "original_timestamp"})
SEGMENT = Preset("segment", "Segment (warehouse)", _Build("Segment (warehouse)"), (_SIGN,))
RUDDERSTACK = Preset(
    "rudderstack", "RudderStack (warehouse)", _Build("RudderStack (warehouse)"), (_SIGN | {"channel"},)
)
