"""Mapping an events table: which relation, which columns, and what is in them."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sqlscore.errors import EventsError, MappingError
from sqlscore.events import DEFAULT_MAPPING, Feature, Kind, Mapping, TimeUnit, kind_of, unit_of
from sqlscore.install import install_mapping, remove_mapping
from sqlscore.profile import Profile, profile
from sqlscore.queries import one
from sqlscore.quoting import identifier, literal, qualified
from sqlscore.registry import catalog, lacking_features, synchronize
from sqlscore.transactions import now, on_own_connection, recorded, transaction
from sqlscore.udfs.catalog import unmapped

_READERS = {
    ".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv", ".gz": "read_csv", ".json": "read_json",
    ".ndjson": "read_json", ".jsonl": "read_json",
}  # fmt: skip


@dataclass(frozen=True)
class MappingReport:
    """A mapping and what was seen while making it."""

    mapping: Mapping
    profile: Profile
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return {"mapping": asdict(self.mapping), **asdict(self.profile), "warnings": list(self.warnings)}


@on_own_connection
def map_events(
    con: duckdb.DuckDBPyConnection,
    table: str,
    *,
    user_id: str = "user_id",
    event_time: str = "event_time",
    event_type: str = "event_type",
    features: Iterable[str] | Dict[str, Kind] = (),
    name: str = DEFAULT_MAPPING,
    prefix: str | None = None,
    time_unit: TimeUnit | None = None,
    time_cap: datetime | str | None = None,
    append_only: bool = False,
) -> MappingReport:
    """Say where the events are; the SQL functions then work on that table and on any relation with those columns.

    table: a table, a view or a file (Parquet, CSV, JSON; a glob too). user_id, event_time, event_type: its columns.
    features: extra columns for the models; a dict says "categorical" or "numeric" where the type does not.
    name: several tables may be mapped in one file; "events" is the one whose functions have bare names.
    prefix: stands before this mapping's function names (default: none for "events", else the name and "_").
    time_unit: of epoch numbers, s, ms, us or ns (default: from the size of the median, see events.unit_of).
    time_cap: events later than this are left out, for tables with times in the future.
    append_only: a promise that rows are never changed or deleted, which makes refreshes cheaper.

    Raises MappingError or EventsError that name the column and what is there; the file is then as it was before.

    >>> sqlscore.map_events(con, "clicks", user_id="client id", event_time="ts", event_type="what", features=["price"])
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise MappingError(f"a mapping's name is made of letters, digits and _, found {name!r}: choose another")
    relation = relation_of(con, table)
    types = _types(con, relation, table)
    roles = {"user_id": user_id, "event_time": event_time, "event_type": event_type}
    columns = {role: _column(asked, role, types, table) for role, asked in roles.items()}
    mapping = Mapping(
        name=name,
        relation=relation,
        user_id=columns["user_id"],
        event_time=columns["event_time"],
        event_type=columns["event_type"],
        features=_features(features, columns.values(), types, table),
        prefix=prefix if prefix is not None else "" if name == DEFAULT_MAPPING else f"{name}_",
        append_only=append_only,
    )
    _check_roles(mapping, types)
    mapping = replace(mapping, time_unit=_time_unit(con, mapping, types[mapping.event_time], time_unit))
    if time_cap is not None:
        mapping = replace(mapping, time_cap=_microseconds(con, time_cap))
    catalog(con)  # raises on a connection that sqlscore did not open
    found, warnings = profile(con, mapping)
    lacking = lacking_features(con, mapping)
    if lacking:
        warnings = (*warnings, f'the champion of "{name}" reads {lacking}, not mapped: map them, or train again')
    report = MappingReport(mapping, found, warnings)
    with recorded(con, "map_events", name) as details, transaction(con):
        details.update(report.to_dict())
        old = one(con, "SELECT mapping FROM sqlscore.mappings WHERE name = ?", [name])
        remove_mapping(con, Mapping.from_json(old[0]) if old else mapping)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [name])
        con.execute(
            "INSERT INTO sqlscore.mappings VALUES (?, ?, ?, ?)",
            [name, mapping.to_json(), json.dumps(report.to_dict(), default=str), now()],
        )
        install_mapping(con, mapping)
    synchronize(con)
    return report


@on_own_connection
def unmap(con: duckdb.DuckDBPyConnection, name: str = DEFAULT_MAPPING) -> None:
    """Undo `map_events`: its functions, views and score tables go; the user's events and the models stay.

    Raises MappingError where nothing is mapped under that name.
    """
    mapping = mapped(con, name)
    with recorded(con, "unmap", name), transaction(con):
        remove_mapping(con, mapping)
        con.execute("DELETE FROM sqlscore.mappings WHERE name = ?", [name])
        if name == DEFAULT_MAPPING:
            install_mapping(con, unmapped())
    synchronize(con)


def mapped(con: duckdb.DuckDBPyConnection, name: str) -> Mapping:
    """The mapping of that name. Raises MappingError where there is none."""
    snapshot = catalog(con).snapshot
    if name not in snapshot.mappings:
        have = ", ".join(snapshot.mappings) or "none"
        raise MappingError(
            f'no events are mapped as "{name}" (mapped: {have}): '
            "run `sqlscore init DB --events TABLE ...`, or sqlscore.map_events(con, ...)"
        )
    return snapshot.mappings[name]


def relation_of(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """The SQL of a FROM clause for a table, a view or a file."""
    rows = con.execute(
        """SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()
           UNION ALL SELECT schema_name, view_name FROM duckdb_views()
           WHERE database_name = current_database() AND NOT internal"""
    ).fetchall()
    folded = table.casefold()
    for schema, found in rows:
        if folded in (found.casefold(), f"{schema}.{found}".casefold()) and (schema == "main" or "." in table):
            return qualified(schema, found)
    suffix = Path(table).suffix.casefold()
    files = glob.glob(table, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    if suffix in _READERS and (files or "://" in table):
        where = table if "://" in table else str(Path(table).absolute())
        options = ", hive_partitioning = true" if suffix == ".parquet" and "=" in "".join(files[:1]) else ""
        return f"{_READERS[suffix]}({literal(where)}{options})"
    have = ", ".join(sorted(f'"{row[1]}"' for row in rows if row[0] == "main")) or "none"
    kind = "file" if suffix in _READERS or files else "table, view or file"
    raise MappingError(
        f'there is no {kind} "{table}" (tables and views here: {have}; files: {", ".join(_READERS)}): check the name; '
        "a temporary table, a DataFrame or what is not committed must first be kept with CREATE TABLE ... AS"
    )


def _types(con: duckdb.DuckDBPyConnection, relation: str, table: str) -> dict[str, pa.DataType]:
    try:
        schema = con.sql(f"SELECT * FROM {relation} LIMIT 0").to_arrow_table().schema
    except duckdb.Error as error:
        raise MappingError(f'"{table}" cannot be read: {error}') from error
    return {field.name: field.type for field in schema}


def _column(asked: str, role: str, types: Dict[str, pa.DataType], table: str) -> str:
    for name in types:
        if name.casefold() == asked.casefold():
            return name
    have = ", ".join(f'"{name}"' for name in types)
    option = f"--{role.replace('_', '-')}"
    raise MappingError(f'"{table}" has no column "{asked}" for {role} (columns: {have}): pass {role}=... ({option})')


def _features(
    asked: Iterable[str] | Dict[str, Kind], roles: Iterable[str], types: Dict[str, pa.DataType], table: str
) -> tuple[Feature, ...]:
    kinds = dict(asked) if isinstance(asked, Dict) else dict.fromkeys(asked)
    found = []
    for wanted, kind in kinds.items():
        name = _column(wanted, "feature", types, table)
        if name in roles:
            raise MappingError(f'column "{name}" is given two roles: a feature may not be user, time or action too')
        if kind not in (None, "categorical", "numeric"):
            raise MappingError(f'feature "{name}" cannot be read as {kind!r}: "categorical" or "numeric"')
        natural = kind_of(name, types[name])
        if kind == "numeric" and natural != "numeric":
            raise MappingError(f'feature "{name}" has type {types[name]}, which is not a number: cast it in a view')
        found.append(Feature(name, kind or natural))
    return tuple(found)


def _check_roles(mapping: Mapping, types: Dict[str, pa.DataType]) -> None:
    folded = [name.casefold() for name in mapping.columns]
    twice = next((name for name in folded if folded.count(name) > 1), None)
    if twice is not None:
        raise MappingError(f'column "{twice}" is given two roles: user, time and action must differ')
    roles = {"user_id": mapping.user_id, "event_time": mapping.event_time, "event_type": mapping.event_type}
    for feature in mapping.features:
        if feature.name.casefold() in roles and roles[feature.name.casefold()].casefold() != feature.name.casefold():
            raise MappingError(
                f'feature "{feature.name}" has the name that sqlscore.events gives to another column '
                f'("{roles[feature.name.casefold()]}"): rename the feature in a view and map the view'
            )
    kind = types[mapping.user_id]
    if pa.types.is_nested(kind):
        raise EventsError(
            f'user_id column "{mapping.user_id}" has type {kind}, expected one value for a user: '
            "cast it to VARCHAR in a view, or choose one of its fields"
        )
    kind = types[mapping.event_type]
    if kind_of_action(kind) is None:
        raise EventsError(
            f'event_type column "{mapping.event_type}" has type {kind}, expected VARCHAR, ENUM or an integer code: '
            "cast it to VARCHAR in a view"
        )


def kind_of_action(kind: pa.DataType) -> str | None:
    """How actions of this type are read: as text or as integer codes; None: not at all."""
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "code"
    try:
        return "text" if kind_of("event_type", kind) == "categorical" else None
    except EventsError:
        return None


def _time_unit(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, kind: pa.DataType, asked: TimeUnit | None
) -> TimeUnit | None:
    column = identifier(mapping.event_time)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        if asked is not None:
            raise MappingError(f'time_unit is for epoch numbers; "{mapping.event_time}" is a {kind}: leave it out')
        return None
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise EventsError(
            f'event_time column "{mapping.event_time}" has type {kind}, expected TIMESTAMP, TIMESTAMPTZ, DATE or an '
            "epoch number: cast it in a view, for example strptime(text, '%Y-%m-%d %H:%M:%S')"
        )
    if asked is not None:
        if asked not in ("s", "ms", "us", "ns"):
            raise MappingError(f"time_unit {asked!r} is not one of s, ms, us, ns")
        return asked
    row = one(con, f"SELECT median(abs({column}::DOUBLE)) FROM {mapping.relation}")
    return unit_of(row[0] if row and row[0] is not None else 0.0)


def _microseconds(con: duckdb.DuckDBPyConnection, moment: datetime | str) -> int:
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    try:
        row = one(con, "SELECT epoch_us(CAST(? AS TIMESTAMP))", [moment])
    except duckdb.Error as error:
        raise MappingError(f"time_cap {moment!r} is not a time: write it as 2024-01-31 00:00:00") from error
    return int(row[0]) if row else 0
