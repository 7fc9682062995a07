"""Snowplow's atomic events, loaded with their column names into files or a table.

Sources: Snowplow's "canonical event model" and the dbt-snowplow-utils package: events are delivered at least once, and
of rows with one event_id the first by collector_tstamp counts; derived_tstamp is the time corrected for the device's
clock, dvce_created_tstamp gives the order on the device; page_ping is sent every few seconds while a page is open. A
telephone has no domain_userid: its id is the userId of the client_session context.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import Counted, Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, open_source

_TITLE = "Snowplow (atomic events)"
_SESSION = "contexts_com_snowplowanalytics_snowplow_client_session_1"
_COLUMNS = (
    Column("event_id", required=True),
    Column("event_name", required=True),
    Column("collector_tstamp", "TIMESTAMP", required=True),
    Column("dvce_created_tstamp", "TIMESTAMP", required=True),
    Column("derived_tstamp", "TIMESTAMP"),
    Column("user_id"),
    Column("domain_userid"),
    Column(_SESSION, "JSON"),
    Column("app_id"),
    Column("platform"),
    Column("geo_country"),
    Column("page_urlpath"),
    Column("mkt_medium"),
)
_QUERY = f"""SELECT user_id,
    coalesce(domain_userid, {_SESSION} ->> '$[0].userId', {_SESSION} ->> '$[0].user_id') AS device_id,
    coalesce(derived_tstamp, collector_tstamp) AS event_time,
    event_name AS event_type,
    event_id, dvce_created_tstamp,
    app_id, platform, geo_country, page_urlpath, mkt_medium
FROM once"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # it has none
    source = open_source(con, paths, _COLUMNS)
    check_columns(_TITLE, source, _COLUMNS)
    check_values(con, _TITLE, source, _COLUMNS)
    first = "row_number() OVER (PARTITION BY event_id ORDER BY collector_tstamp, dvce_created_tstamp) = 1"
    return Export(
        {
            "delivered": selected(source, _COLUMNS),
            "once": f"SELECT * FROM delivered\nQUALIFY event_id IS NULL OR {first}",
        },
        _QUERY,
        device_id="device_id",
        order=("dvce_created_tstamp", "event_id"),
        exclude_types=("page_ping",),
        counted=(
            Counted(
                "rows delivered again, left out", "SELECT count(event_id) - count(DISTINCT event_id) FROM delivered"
            ),
        ),
    )


SNOWPLOW = Preset("snowplow", _TITLE, _build, (frozenset({"event_id", "collector_tstamp", "dvce_created_tstamp"}),))
