"""Amplitude's raw events, as its Export API, its S3 export or Fivetran deliver them.

Sources: Amplitude's "Export API" (event_time is UTC; amplitude_id is the user as Amplitude resolved him, user_id what
the app sent) and the fivetran/dbt_amplitude package: rows with one $insert_id and device are one event, of which the
last client_upload_time counts; without an $insert_id, those with one event_id, device, client_event_time and user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import EVENTS, Counted, Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, open_source

_TITLE = "Amplitude (raw events)"
_COLUMNS = (
    Column("amplitude_id", required=True),
    Column("event_type", required=True),
    Column("event_time", "TIMESTAMP", required=True),
    Column("client_event_time", "TIMESTAMP"),
    Column("client_upload_time", "TIMESTAMP"),
    Column("event_id", "BIGINT"),
    Column("device_id"),
    Column("$insert_id"),
    Column("_insert_id"),
    Column("platform"),
    Column("os_name"),
    Column("country"),
)
_SAME = """coalesce("$insert_id", _insert_id, concat_ws('|', event_id, client_event_time, amplitude_id)), device_id"""
_QUERY = """SELECT amplitude_id AS user_id,
    event_time,
    event_type,
    client_event_time, event_id,
    platform, os_name, country
FROM once"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # it has none
    source = open_source(con, paths, _COLUMNS)
    check_columns(_TITLE, source, _COLUMNS)
    check_values(con, _TITLE, source, _COLUMNS)
    last = f"row_number() OVER (PARTITION BY {_SAME} ORDER BY client_upload_time DESC NULLS LAST, event_time) = 1"
    return Export(
        {"delivered": selected(source, _COLUMNS), "once": f"SELECT * FROM delivered\nQUALIFY {last}"},
        _QUERY,
        order=("client_event_time", "event_id"),
        counted=(
            Counted(
                "rows delivered again, left out",
                f"SELECT (SELECT count(*) FROM delivered) - (SELECT count(*) FROM {EVENTS})",
            ),
        ),
    )


AMPLITUDE = Preset("amplitude", _TITLE, _build, (frozenset({"amplitude_id", "event_type", "event_time"}),))
