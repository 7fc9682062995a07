"""A plugin for dbt-duckdb: sqlscore's functions and views on every connection that dbt opens.

Named in profiles.yml as `plugins: [{module: sqlscore.dbt}]`; docs/dbt.md says how. `sqlscore/dbt/project.py` writes
the project that goes with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import duckdb

try:
    from dbt.adapters.duckdb.plugins import BasePlugin
    from dbt_common.exceptions import DbtRuntimeError
except ImportError as error:
    raise ImportError("sqlscore.dbt needs dbt and its DuckDB adapter: pip install 'sqlscore[dbt]'") from error

from sqlscore.database.catalog import catalog
from sqlscore.dbt.composed import map_composed
from sqlscore.dbt.config import attached_by, names_in
from sqlscore.dbt.guarding import register_judge
from sqlscore.errors import MappingError, SourceError, SqlscoreError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.mapping.elsewhere import databases_of
from sqlscore.mapping.relations import relation_of
from sqlscore.verbs.connect import prepare
from sqlscore.verbs.mapping import map_events

_COLUMNS = ("user_id", "event_time", "event_type")
_LISTS = ("event_id", "order", "exclude_types")
_USERS = ("users", "user_features", "user_key", "valid_from")
_COMPOSED = ("sources", "device_id", "device_shared", "identity", *_USERS)
_CONFIG = (
    "events", *_COLUMNS, "level", "features", *_LISTS, *_COMPOSED, "group", "amount", "attach", "table_name", "mapping",
    "device",
)  # fmt: skip


class Plugin(BasePlugin):
    """What dbt-duckdb creates for `module: sqlscore.dbt`.

    The functions live as long as the connection, which dbt opens once and makes cursors of. The plugin's config takes
    `events`, its columns, `level`, `features`, `event_id`, `order`, `exclude_types`, `device_id`, `device_shared`,
    `identity`, `users`, `user_features`, `user_key`, `valid_from`, `group`, `amount`, `attach`, `table_name` and
    `mapping` as `map_events` does, and `sources`, as `init --source` does, in place of `events`; without both the file
    is used as it is mapped.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Raises DbtRuntimeError for an unknown option, since a misspelt one would be ignored silently."""
        settings = (self.creds.settings or {}) if self.creds else {}  # dbt-duckdb mixes them into every plugin's config
        unknown = sorted(set(plugin_config) - set(settings) - set(_CONFIG))
        if unknown:
            raise DbtRuntimeError(
                f"the sqlscore plugin knows no option {', '.join(unknown)}: its options are {', '.join(_CONFIG)}"
            )
        self._config = plugin_config

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register functions, install views, and map the events if the config names them."""
        path = str(self.creds.path) if self.creds else ":memory:"
        try:
            prepare(conn, path, device=str(self._config.get("device") or "auto"))
            register_judge(conn)
            if any(self._config.get(option) for option in ("sources", "device_id", "identity", "users")):
                map_composed(conn, self._config)
            elif self._config.get("events"):
                _map(conn, self._config)
        except (SqlscoreError, duckdb.Error) as error:
            conn.close()  # else the file stays locked by a connection that nobody has
            raise DbtRuntimeError(f"sqlscore: {error}") from error


def _map(con: duckdb.DuckDBPyConnection, config: dict[str, Any]) -> None:
    """Map the events as asked, unless they already are: mapping again would drop the score tables."""
    events, name = str(config["events"]), str(config.get("mapping") or DEFAULT_MAPPING)
    attach, table_name = attached_by(config.get("attach")), str(config.get("table_name") or "") or None
    databases = databases_of(con, attach, name)
    try:
        relation = relation_of(con, events, databases, table_name)
    except SourceError:
        raise
    except MappingError as error:
        warnings.warn(f"nothing is mapped yet: {error}; if dbt builds it, run dbt again after that", stacklevel=2)
        return
    user_id, event_time, event_type = (str(config.get(role) or role) for role in _COLUMNS)
    level, features = str(config.get("level") or ""), names_in(config.get("features"))
    stored = catalog(con).snapshot.mappings.get(name)
    predicted = [level, event_type] if level else [event_type]  # the finer actions are the first feature then
    lists = {option: names_in(config.get(option)) for option in _LISTS}
    group = str(config.get("group") or "")
    amount = str(config.get("amount") or "")
    others = [name for name in (amount,) if name and name.casefold() not in {f.casefold() for f in features}]
    named = (user_id, event_time, *predicted, *features, *others)
    columns = _folded(named, lists["event_id"], lists["order"], *([name] if name else [] for name in (group, amount)))
    asked = (relation, columns, sorted(set(lists["exclude_types"])))
    if stored is None or asked != (stored.relation, _columns_of(stored), list(stored.exclude_types)):
        map_events(
            con,
            events,
            user_id=user_id,
            event_time=event_time,
            event_type=event_type,
            level=level or None,
            features=features,
            event_id=lists["event_id"],
            order=lists["order"],
            exclude_types=lists["exclude_types"],
            group=group or None,
            amount=amount or None,
            attach=attach,
            table_name=table_name,
            name=name,
        )


def _columns_of(mapping: Mapping) -> list[list[str]]:
    predicted = (mapping.user_id, mapping.event_time, mapping.event_type)
    group, amount = ([] if name is None else [name] for name in (mapping.group, mapping.amount))
    return _folded((*predicted, *(f.name for f in mapping.features)), mapping.event_id, mapping.order, group, amount)


def _folded(*columns: Iterable[str]) -> list[list[str]]:
    """Names of columns as SQL compares them."""
    return [[name.casefold() for name in names] for names in columns]
