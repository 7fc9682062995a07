"""Session variables: what clients read when they connect, and the few of those they set that change anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mysql_mimic.charset import CharacterSet
from mysql_mimic.variables import GlobalVariables, SessionVariables, VariableSchema

from sqlscore.mysql.refusals import (
    SPECIAL_RIGHT_NEEDED,
    UNKNOWN_TIME_ZONE,
    UNKNOWN_VARIABLE,
    WRONG_VALUE_OF_VARIABLE,
    Refusal,
)
from sqlscore.mysql.stream import MOST

VERSION = "8.0.36-sqlscore"

_READ: dict[str, Any] = {
    "character_set_system": "utf8mb4",
    "external_user": "",
    "have_openssl": "NO",
    "have_query_cache": "NO",
    "have_ssl": "NO",
    "hostname": "sqlscore",
    "innodb_read_only": 1,
    "license": "MIT",
    "local_infile": 0,
    "lower_case_file_system": 0,
    "lower_case_table_names": 2,
    "max_allowed_packet": MOST,
    "performance_schema": 0,
    "port": 0,
    "protocol_version": 10,
    "query_cache_size": 0,
    "query_cache_type": "OFF",
    "read_only": 1,
    "secure_file_priv": "",
    "super_read_only": 1,
    "system_time_zone": "UTC",
    "version": VERSION,
    "version_comment": "sqlscore: DuckDB over MySQL's protocol, for reading",
    "version_compile_os": "Linux",
    "warning_count": 0,
    "error_count": 0,
}
_CHARACTER_SETS = ("character_set_client", "character_set_connection", "character_set_results")
_SET: dict[str, Any] = {
    **dict.fromkeys((*_CHARACTER_SETS, "character_set_database", "character_set_server"), "utf8mb4"),
    **dict.fromkeys(("collation_connection", "collation_database", "collation_server"), "utf8mb4_bin"),
    "auto_increment_increment": 1,
    "autocommit": 1,
    "big_tables": 0,
    "default_storage_engine": "DuckDB",
    "default_tmp_storage_engine": "DuckDB",
    "event_scheduler": "OFF",
    "foreign_key_checks": 1,
    "group_concat_max_len": 1 << 32,
    "init_connect": "",
    "innodb_lock_wait_timeout": 50,
    "interactive_timeout": 28_800,
    "lc_time_names": "en_US",
    "lock_wait_timeout": 31_536_000,
    "max_execution_time": 0,
    "max_join_size": 1 << 62,
    "max_statement_time": 0.0,
    "net_buffer_length": 16_384,
    "net_read_timeout": 30,
    "net_write_timeout": 60,
    "optimizer_switch": "",
    "profiling": 0,
    "session_track_gtids": "OFF",
    "session_track_schema": 1,
    "session_track_system_variables": "",
    "session_track_transaction_info": "OFF",
    "sql_auto_is_null": 0,
    "sql_big_selects": 1,
    "sql_mode": "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES",
    "sql_notes": 1,
    "sql_quote_show_create": 1,
    "sql_safe_updates": 0,
    "sql_select_limit": (1 << 64) - 1,
    "sql_warnings": 0,
    "time_zone": "UTC",
    "transaction_isolation": "SERIALIZABLE",
    "transaction_read_only": 1,
    "tx_isolation": "SERIALIZABLE",
    "tx_read_only": 1,
    "unique_checks": 1,
    "wait_timeout": 28_800,
}
_SCHEMA: dict[str, VariableSchema] = {
    **{name: (type(value), value, False) for name, value in _READ.items()},
    **{name: (type(value), value, True) for name, value in _SET.items()},
}
_UTC = frozenset({"utc", "system", "+00:00", "-00:00", "+0:00", "etc/utc", "gmt"})
_SWITCH = {"on": 1, "true": 1, "off": 0, "false": 0}
_MODES_OF_QUOTES = re.compile(r"(?i)\b(ANSI|ANSI_QUOTES|PIPES_AS_CONCAT|NO_BACKSLASH_ESCAPES)\b")


class Variables(SessionVariables):
    """The variables of one client; texts and numbers by name."""

    def __init__(self) -> None:
        """All as they are without SET."""
        super().__init__(GlobalVariables(_SCHEMA))

    def read(self, name: str) -> Any:
        """A value. Raises Refusal if there is no such variable."""
        if name.casefold() not in _SCHEMA:
            raise Refusal(UNKNOWN_VARIABLE, f"there is no variable '{name}'")
        return self.get_variable(name)

    def change(self, name: str, value: Any) -> None:
        """What SET does. value: None for DEFAULT. Raises Refusal if it cannot be changed, or not to that."""
        name = name.casefold()
        if name not in _SCHEMA:
            raise Refusal(UNKNOWN_VARIABLE, f"there is no variable '{name}'")
        kind, _, is_free = _SCHEMA[name]
        if not is_free:
            raise Refusal(SPECIAL_RIGHT_NEEDED, f"the variable '{name}' is read-only here")
        if name == "time_zone" and value is not None and str(value).casefold() not in _UTC:
            raise Refusal(
                UNKNOWN_TIME_ZONE, f"the time zone '{value}' is not served: times are UTC, set time_zone to UTC"
            )
        if name == "sql_mode" and (found := _MODES_OF_QUOTES.search(str(value))):
            raise Refusal(
                WRONG_VALUE_OF_VARIABLE,
                f'the mode {found[0]} is not served: " quotes texts, || means OR, and \\ escapes',
            )
        if name.startswith("character_set_") and value is not None:
            _require_character_set(str(value))
        if kind is int:
            value = _SWITCH.get(str(value).casefold(), value)
        try:
            self.set(name, value)
        except (TypeError, ValueError) as error:
            raise Refusal(WRONG_VALUE_OF_VARIABLE, f"the variable '{name}' cannot be '{value}'") from error

    def name_characters(self, name: str | None, collation: str | None = None) -> None:
        """What SET NAMES does. name: None for the default."""
        for variable in _CHARACTER_SETS:
            self.change(variable, name)
        self.change("collation_connection", collation)

    def rows(self) -> Iterator[tuple[str, str]]:
        """What SHOW VARIABLES shows."""
        for name in sorted(_SCHEMA):
            yield name, str(self.get_variable(name))

    @property
    def seconds(self) -> float | None:
        """The time limit of a statement that the client asked for; None without one."""
        asked = float(self.read("max_statement_time")) or self.read("max_execution_time") / 1000
        return asked if asked > 0 else None


def _require_character_set(name: str) -> None:
    try:
        "".encode(CharacterSet[name.casefold()].codec)
    except (KeyError, LookupError) as error:
        raise Refusal(WRONG_VALUE_OF_VARIABLE, f"the character set '{name}' is not served: take utf8mb4") from error
