"""Events of several sources, of devices, or with attributes of users, as the plugin's config names them."""

from __future__ import annotations

import warnings
from typing import Any, cast

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.dbt.config import attached_by, lines_in, names_in
from sqlscore.errors import MappingError, SourceError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.mapping.composition.identity import Identity
from sqlscore.mapping.composition.sources import Source
from sqlscore.mapping.elsewhere import databases_of
from sqlscore.mapping.reading import Asked, mapping_of
from sqlscore.mapping.relations import relation_of
from sqlscore.verbs.mapping import map_events

_NAMES = ("level", "device_id", "group", "amount", "table_name", "users", "user_key", "valid_from")
_LISTS = ("features", "event_id", "order", "exclude_types", "user_features")
_TRUE = ("true", "1", "yes")


def map_composed(con: duckdb.DuckDBPyConnection, config: dict[str, Any]) -> None:
    """Map the events as asked, unless they already are: mapping again would drop the score tables.

    Warns, and maps nothing, if a table is not there yet.
    """
    options = _options(config)
    sources = [Source.from_text(line) for line in lines_in(config.get("sources"))]
    events = sources or str(config.get("events") or "")
    tables = [(source.table, source.table_name) for source in sources] or [(str(events), options["table_name"])]
    if options["identity"] is not None:
        tables.append((options["identity"].table, None))
    if options["users"] is not None:
        tables.append((options["users"], None))
    databases = databases_of(con, options["attach"], options["name"])
    try:
        for table, inside in tables:
            relation_of(con, table, databases, inside)
    except SourceError:
        raise
    except MappingError as error:
        warnings.warn(f"nothing is mapped yet: {error}; if dbt builds it, run dbt again after that", stacklevel=2)
        return
    stored = catalog(con).snapshot.mappings.get(options["name"])
    if stored != mapping_of(con, events, Asked(**options)):
        map_events(con, events, **options)


def _options(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `map_events` besides the table."""
    said = {option: str(config.get(option) or "") or None for option in _NAMES}
    columns = {role: str(config.get(role) or role) for role in ("user_id", "event_time", "event_type")}
    lists = {option: names_in(config.get(option)) for option in _LISTS}
    identity = str(config.get("identity") or "")
    return {
        **said,
        **columns,
        **lists,
        "name": str(config.get("mapping") or DEFAULT_MAPPING),
        "attach": attached_by(config.get("attach")),
        "device_shared": str(cast("object", config.get("device_shared"))).casefold() in _TRUE,
        "identity": Identity.from_text(identity) if identity else None,
    }
