"""Google Analytics 4 as BigQuery exports it: a table or file a day, events_YYYYMMDD.

Sources: Google's "BigQuery Export schema" (event_timestamp is in microseconds, UTC; event_date is in the property's
zone; daily tables change for three days; batch_page_id, batch_ordering_id and batch_event_index give the order of
events that were sent together) and, for what makes rows the same event, base_ga4__events of Velir's dbt package. A
table events_intraday_YYYYMMDD repeats rows of the day that the daily table has later, with fewer columns filled: it is
left out.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import EVENTS, Counted, Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, open_source
from sqlscore.quoting import literal

_TITLE = "GA4 (BigQuery)"
_INTRADAY = "events_intraday_"
_BATCH = ("batch_page_id", "batch_ordering_id", "batch_event_index")
_COLUMNS = (
    Column("event_timestamp", "BIGINT", required=True),
    Column("event_name", required=True),
    Column("user_pseudo_id", required=True),
    Column("user_id"),
    Column("stream_id"),
    Column("event_params", "ANY"),
    *(Column(name, "BIGINT") for name in _BATCH),
    Column("platform"),
)
_NESTED = (Column("device", "JSON"), Column("geo", "JSON"))
_FIELDS = {"device_category": ("device", "category"), "country": ("geo", "country")}
# Grouping costs a third of a window, and copies are alike: of a column that is no part of the event the largest counts.
# Parameters are compared by a hash: two events that agree in all else collide once in 10^19 pairs.
_KEY = ", ".join(("stream_id", "user_pseudo_id", "event_timestamp", "event_name", *_BATCH))
_ONCE = f"""SELECT {_KEY},
    max(user_id) AS user_id, max(platform) AS platform, max(device_category) AS device_category, max(country) AS country
FROM delivered
GROUP BY {_KEY}, hash(event_params)"""
_QUERY = f"""SELECT user_id,
    user_pseudo_id AS device_id,
    make_timestamp(event_timestamp) AS event_time,
    event_name AS event_type,
    {", ".join(_BATCH)},
    platform,
    device_category,
    country
FROM once"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # it has none
    source = open_source(con, paths, (*_COLUMNS, *_NESTED))
    check_columns(_TITLE, source, _COLUMNS)
    check_values(con, _TITLE, source, (*_COLUMNS, *_NESTED))
    counted, daily = [], ""
    if source.kind != "table" and _may_hold_intraday(source.paths):
        source = replace(source, relation=source.with_file)
        daily = f"NOT starts_with(parse_filename(filename), {literal(_INTRADAY)})"
        counted = [
            Counted("rows of intraday files, left out", f"SELECT count(*) FROM {source.relation} WHERE NOT {daily}")
        ]
    counted.append(
        Counted(
            "rows delivered again, left out",
            f"SELECT (SELECT count(*) FROM delivered) - (SELECT count(*) FROM {EVENTS})",
        )
    )
    return Export(
        {"delivered": selected(source, _COLUMNS, daily, _FIELDS), "once": _ONCE},
        _QUERY,
        device_id="device_id",
        order=_BATCH,
        counted=tuple(counted),
    )


def _may_hold_intraday(paths: Sequence[str]) -> bool:
    """Whether an intraday file is among them now, or may be later, since a glob finds it."""
    return any(glob.has_magic(path) or _INTRADAY in Path(path).name for path in paths)


GA4 = Preset("ga4", _TITLE, _build, (frozenset({"event_timestamp", "event_name", "user_pseudo_id"}),))
