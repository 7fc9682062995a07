"""Mixpanel's raw event export: JSON lines of event and properties.

Sources: Mixpanel's "Raw Event Export" (time is in whole seconds, in UTC for projects made since 2023 and in the
project's zone for older ones), "Event Deduplication" (rows with one event, time, distinct_id and $insert_id are one
event) and "Simplified ID Merge" ($device_id and $user_id; distinct_id is the user's id or $device: and the device's).
Events of one second are ordered by mp_processing_time_ms, the best there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, open_source
from sqlscore.quoting import literal

_TITLE = "Mixpanel (raw export)"
_COLUMNS = (Column("event", required=True), Column("properties", "JSON", required=True))
_READ = """SELECT event,
    CAST(properties ->> '$.time' AS BIGINT) AS seconds,
    properties ->> '$.distinct_id' AS distinct_id,
    nullif(properties ->> '$."$user_id"', '') AS known_user,
    nullif(properties ->> '$."$device_id"', '') AS device_id,
    properties ->> '$."$insert_id"' AS insert_id,
    CAST(properties ->> '$.mp_processing_time_ms' AS BIGINT) AS mp_processing_time_ms,
    properties ->> '$."$os"' AS os,
    properties ->> '$."$browser"' AS browser,
    properties ->> '$.mp_country_code' AS country
FROM delivered"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    source = open_source(con, paths, _COLUMNS)
    check_columns(_TITLE, source, _COLUMNS)
    check_values(con, _TITLE, source, _COLUMNS)
    time = "make_timestamp(seconds * 1000000)"
    zone = options.get("time_zone")
    if zone is not None:
        if one(con, "SELECT 1 FROM pg_timezone_names() WHERE name = ?", [zone]) is None:
            raise MappingError(f"there is no time zone {zone!r}: choose one as America/Los_Angeles")
        time = f"timezone('UTC', timezone({literal(zone)}, {time}))"
    query = f"""SELECT coalesce(known_user,
        CASE WHEN device_id IS NULL OR distinct_id NOT IN (device_id, '$device:' || device_id) THEN distinct_id END
    ) AS user_id,
    device_id,
    {time} AS event_time,
    event AS event_type,
    CASE WHEN insert_id IS NOT NULL THEN hash(event, seconds, distinct_id, insert_id) END AS event_id,
    mp_processing_time_ms,
    os, browser, country
FROM read"""
    said = (
        "times are read as UTC, as projects made since 2023 export them; an older project exports those of its own "
        "zone: map_export(con, 'mixpanel', PATH, options={'time_zone': 'America/Los_Angeles'})"
    )
    return Export(
        {"delivered": selected(source, _COLUMNS), "read": _READ},
        query,
        device_id="device_id",
        event_id=("event_id",),
        order=("mp_processing_time_ms",),
        exclude_types=("$identify", "$create_alias", "$merge"),
        remarks=() if zone is not None else (said,),
    )


MIXPANEL = Preset("mixpanel", _TITLE, _build, (frozenset({"event", "properties"}),), options=("time_zone",))
