"""OCEL 2.0, object-centric event logs: an event belongs to several objects, of which those of one type are the users.

Source: the OCEL 2.0 specification (ocel-standard.org). An event and an object may be linked under several qualifiers,
and it is one event all the same. The format says nothing of events that share a time: they go by the order of the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.mapping.presets.export import Export, Preset
from sqlscore.mapping.process_logs.ocel_table import make_ocel_table
from sqlscore.quoting import identifier, qualified


def _load(con: duckdb.DuckDBPyConnection, path: Path, table: str, options: dict[str, Any]) -> tuple[str, ...]:
    return make_ocel_table(con, path, table, options.get("object_type")).remarks


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # they are the table's
    (table,) = paths
    relation = qualified("main", table)
    columns = ",\n    ".join(map(identifier, con.sql(f"FROM {relation} LIMIT 0").columns))
    return Export({}, f"SELECT {columns}\nFROM {relation}", order=("position",))


OCEL = Preset("ocel", "OCEL 2.0 log", _build, options=("object_type",), load=_load)
