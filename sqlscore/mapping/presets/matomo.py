"""Matomo's tables of visits and actions: as tables of the database, or dumped as CSV or TSV with a header.

Sources: Matomo's developer documentation, "Database schema" (log_visit, log_link_visit_action, log_action; server_time
is UTC; idvisitor is eight bytes, of which a text dump writes HEX(idvisitor)). idlink_va grows with each action that is
stored, which gives the order of those of one second. The type of an action is 8 where its name is what somebody
searched for, and rows with a content name are pieces of a page that were shown or used (Matomo's Tracker\\Action).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import Export, Preset
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, open_source
from sqlscore.mapping.presets.tables import tables_of

_TITLE = "Matomo (log tables)"
_TABLES = {
    "log_link_visit_action": (
        Column("idlink_va", "BIGINT", required=True),
        Column("idvisit", "BIGINT", required=True),
        Column("server_time", "TIMESTAMP", required=True),
        Column("idaction_event_action", "BIGINT"),
        Column("idaction_name", "BIGINT"),
        Column("idaction_url", "BIGINT"),
        Column("idaction_content_name", "BIGINT"),
        Column("idaction_content_interaction", "BIGINT"),
    ),
    "log_visit": (
        Column("idvisit", "BIGINT", required=True),
        Column("idvisitor", "ANY", required=True),
        Column("user_id"),
        Column("visit_last_action_time", "TIMESTAMP"),
        Column("location_country"),
        Column("config_device_type"),
    ),
    "log_action": (
        Column("idaction", "BIGINT", required=True),
        Column("name", required=True),
        Column("type", "BIGINT"),
    ),
}
_PARTS = {
    "visits": "SELECT * FROM log_visit_rows\n"
    "QUALIFY row_number() OVER (PARTITION BY idvisit ORDER BY visit_last_action_time DESC) = 1",
    "actions": "SELECT idaction, min(name) AS name, min(type) AS type FROM log_action_rows GROUP BY idaction",
    "done": "SELECT *, coalesce(nullif(idaction_event_action, 0), nullif(idaction_name, 0), nullif(idaction_url, 0))\n"
    "    AS idaction\nFROM log_link_visit_action_rows",
}
_SHOWN = "content impression"
"""Of a banner or the like that was on the page: nobody did anything."""

_QUERY = """SELECT v.user_id,
    {visitor} AS device_id,
    d.server_time AS event_time,
    CASE WHEN nullif(d.idaction_content_interaction, 0) IS NOT NULL THEN 'content interaction'
        WHEN nullif(d.idaction_content_name, 0) IS NOT NULL THEN '{shown}'
        WHEN a.type = 8 THEN 'site search'
        ELSE coalesce(a.name, 'action') END AS event_type,
    d.idlink_va AS event_id,
    v.location_country AS country,
    v.config_device_type AS device_type
FROM done d JOIN visits v USING (idvisit) LEFT JOIN actions a USING (idaction)"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # it has none
    given = tables_of(con, paths)
    parts, visitor = {}, "v.idvisitor"
    for table, columns in _TABLES.items():
        found = [part for name, some in given.items() if name == table or name.endswith(f"_{table}") for part in some]
        if not found:
            raise MappingError(
                f'"{paths[0]}" is not what {_TITLE} delivers: there is no {table} among {", ".join(sorted(given))}; '
                f"name the files or tables of {', '.join(_TABLES)}, with the prefix that they have"
            )
        source = open_source(con, found, columns, nulls=("NULL", "\\N"))
        check_columns(_TITLE, source, columns)
        check_values(con, _TITLE, source, columns)
        parts[f"{table}_rows"] = selected(source, columns)
        if source.types.get("idvisitor") == "BLOB":
            visitor = "hex(v.idvisitor)"
    return Export(
        parts | _PARTS,
        _QUERY.format(visitor=visitor, shown=_SHOWN),
        device_id="device_id",
        event_id=("event_id",),
        order=("event_id",),
        exclude_types=(_SHOWN,),
    )


MATOMO = Preset("matomo", _TITLE, _build, (frozenset({"idlink_va", "idvisit", "server_time"}),))
