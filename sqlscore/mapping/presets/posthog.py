"""PostHog's batch export: events, and the persons that their distinct_ids belong to now.

Sources: PostHog's "Batch exports", S3 (person_id of an event is the person at ingestion, and no row is changed when
persons are merged later; the persons model has a row a distinct_id and version) and "Ingestion" (uuid identifies an
event, and is a UUIDv7, which sorts by the moment at which it was made).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import Counted, Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, Source, open_source

_TITLE = "PostHog (batch export)"
_EVENTS = (
    Column("uuid", required=True),
    Column("event", required=True),
    Column("timestamp", "TIMESTAMP", required=True),
    Column("distinct_id", required=True),
    Column("person_id"),
    Column("properties", "JSON"),
)
_PERSONS = (
    Column("distinct_id", required=True),
    Column("person_id", required=True),
    Column("person_distinct_id_version", "BIGINT"),
    Column("person_version", "BIGINT"),
)
_NO_ACTIONS = ("$identify", "$set", "$groupidentify", "$create_alias", "$feature_flag_called")
_NEWEST = """SELECT distinct_id AS known_id, arg_max(person_id, (coalesce({version}), person_id)) AS person
FROM {rows} WHERE person_id IS NOT NULL GROUP BY ALL"""
_QUERY = """SELECT coalesce(person, distinct_id) AS user_id,
    timestamp AS event_time,
    CASE WHEN event = '$autocapture' THEN '$autocapture:' || coalesce(details ->> '$."$event_type"', '')
        ELSE event END AS event_type,
    uuid AS event_id,
    details ->> '$."$browser"' AS browser,
    details ->> '$."$os"' AS os,
    details ->> '$."$pathname"' AS path
FROM read LEFT JOIN known ON known_id = distinct_id"""
_READ = """SELECT * EXCLUDE (properties),
    CASE WHEN json_type(properties) = 'VARCHAR' THEN CAST(properties ->> '$' AS JSON) ELSE properties END AS details
FROM delivered"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # it has none
    events: list[str] = []
    persons: list[str] = []
    for path in paths:
        source = open_source(con, [path], (*_EVENTS, *_PERSONS))
        (events if source.has("event") or not source.has("person_id") else persons).append(path)
    read = _checked(con, events or paths, _EVENTS)
    parts = {"delivered": selected(read, _EVENTS), "read": _READ}
    said: tuple[str, ...] = ()
    if persons:
        parts["persons"] = selected(_checked(con, persons, _PERSONS), _PERSONS)
        parts["known"] = _NEWEST.format(version="person_distinct_id_version, person_version, 0", rows="persons")
    else:
        parts["known"] = _NEWEST.format(version="timestamp", rows="delivered")
        said = (
            "without the persons export a person is whom his newest event names, and persons who were merged since are "
            "two: name its files too",
        )
    return Export(
        parts,
        _QUERY,
        event_id=("event_id",),
        order=("event_id",),
        exclude_types=_NO_ACTIONS,
        counted=(
            Counted(
                "rows whose person is another one by now",
                "SELECT count(*) FROM delivered JOIN known ON known_id = distinct_id WHERE person <> person_id",
            ),
        ),
        ids_of_all=True,
        remarks=said,
    )


def _checked(con: duckdb.DuckDBPyConnection, paths: Sequence[str], columns: tuple[Column, ...]) -> Source:
    source = open_source(con, paths, columns)
    check_columns(_TITLE, source, columns)
    check_values(con, _TITLE, source, columns)
    return source


POSTHOG = Preset("posthog", _TITLE, _build, (frozenset({"uuid", "event", "distinct_id", "timestamp"}),))
