"""What a user says of the events, read beside what is there: a mapping that is right, or an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from datetime import date
from typing import cast

import duckdb
import pyarrow as pa

from sqlscore.database.composition import composed, spelled_out
from sqlscore.database.composition.sources import DEVICE, NAME
from sqlscore.errors import MappingError
from sqlscore.events.attached import Attached
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import CANONICAL, DEFAULT_MAPPING, Feature, Mapping, TimeUnit
from sqlscore.mapping.amounts import with_amount
from sqlscore.mapping.composition.attributes import AskedUsers, attribute
from sqlscore.mapping.composition.identity import Identity, identify
from sqlscore.mapping.composition.sources import Source, feeds_of
from sqlscore.mapping.elsewhere import databases_of, read_by
from sqlscore.mapping.groups import check_group
from sqlscore.mapping.readers import check_readers
from sqlscore.mapping.relations import column_of, relation_of, types_of
from sqlscore.mapping.role_guesses import role_columns
from sqlscore.mapping.roles import check_levels, check_roles, check_users, features_of
from sqlscore.mapping.text_files import as_written
from sqlscore.mapping.tie_order import check_order
from sqlscore.mapping.times import time_unit_of
from sqlscore.times import moment


@dataclass(frozen=True)
class Asked:
    """The arguments of `map_events`, by its names and with its meanings."""

    user_id: str = "user_id"
    event_time: str = "event_time"
    event_type: str = "event_type"
    level: str | None = None
    features: Iterable[str] | Dict[str, Kind] = ()
    name: str = DEFAULT_MAPPING
    prefix: str | None = None
    time_unit: TimeUnit | None = None
    time_cap: date | str | None = None
    event_id: str | Iterable[str] = ()
    order: str | Iterable[str] = ()
    exclude_types: str | Iterable[str] = ()
    device_id: str | None = None
    device_shared: bool = False
    identity: str | Identity | None = None
    group: str | None = None
    amount: str | None = None
    users: str | None = None
    user_features: Iterable[str] | Dict[str, Kind] = ()
    user_key: str | None = None
    valid_from: str | None = None
    attach: Dict[str, str] = field(default_factory=dict)
    table_name: str | None = None
    append_only: bool = False


Events = str | Iterable[Source | str]
"""Where events are: one table, view or file, or several sources."""


def mapping_of(con: duckdb.DuckDBPyConnection, events: Events, asked: Asked) -> Mapping:
    """The mapping that is meant, checked: its columns are there and can play their roles.

    Raises MappingError or EventsError, which name the column and what is in it.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", asked.name):
        raise MappingError(f"a mapping's name is made of letters, digits and _, found {asked.name!r}: choose another")
    features = asked.features if isinstance(asked.features, Dict) else tuple(asked.features)
    if isinstance(events, str):
        table, (mapping, types) = events, _roles(con, events, asked, tuple(features))
    else:
        table, mapping = "the sources together", _several(con, events, asked, tuple(features))
        types = types_of(con, mapping.relation, table)
    device = _device(mapping, types, asked)
    if device is not None or asked.identity is not None:
        if mapping.composition is None:
            unit = time_unit_of(con, mapping, types[mapping.event_time], asked.time_unit)
            mapping = replace(mapping, time_unit=unit)
        mapping = identify(con, mapping, device, asked.device_shared, asked.identity)
    mapping = _with_attributes(con, mapping, types, asked)
    features = _both(features, asked.user_features)
    mapping = replace(mapping, attached=read_by(con, mapping))
    if mapping.composition is not None:
        if asked.append_only:
            raise MappingError(
                "append_only (--append-only) is for events in one table: these are composed, and a new row can change "
                "whose the old ones are; leave it out"
            )
        mapping = spelled_out(con, mapping)
        types = types_of(con, mapping.relation, table)
    mapping = _with_columns(mapping, asked, features, types, table)
    if asked.amount is not None:
        mapping = with_amount(con, mapping, column_of(asked.amount, "amount", types, table))
    check_group(con, mapping)
    check_order(con, mapping)
    check_roles(mapping, types)
    check_users(con, mapping)
    check_readers(con, mapping)
    if mapping.composition is not None:
        return composed(mapping)
    return replace(mapping, time_unit=time_unit_of(con, mapping, types[mapping.event_time], asked.time_unit))


def listed(names: str | Iterable[str]) -> list[str]:
    """One name, or several, as a list."""
    return [names] if isinstance(names, str) else list(names)


def _roles(
    con: duckdb.DuckDBPyConnection, table: str, asked: Asked, features: tuple[str, ...]
) -> tuple[Mapping, Dict[str, pa.DataType]]:
    """A mapping with the columns that say who, when and what alone, and the types of all columns."""
    databases = databases_of(con, asked.attach, asked.name)
    relation = relation_of(con, table, databases, asked.table_name)
    types = types_of(con, relation, table)
    roles = {"user_id": asked.user_id, "event_time": asked.event_time, "event_type": asked.event_type}
    if asked.user_id == Asked.user_id and asked.device_id is not None:
        # the events need not say who, if it is known of the device
        roles["user_id"] = next((name for name in types if name.casefold() == "user_id"), asked.device_id)
    columns = role_columns(roles, types, table)
    words = [columns["user_id"], columns["event_type"], asked.level, asked.device_id, asked.group]
    words += listed(asked.event_id)
    read = as_written(con, relation, [word for word in words if word is not None], features)
    if read != relation:
        relation, types = read, types_of(con, read, table)
    return _named(asked, databases, relation, *columns.values()), types


def _several(
    con: duckdb.DuckDBPyConnection, sources: Iterable[Source | str], asked: Asked, features: tuple[str, ...]
) -> Mapping:
    """A mapping of several sources, which have the canonical columns together; its relation is a query."""
    otherwise = {
        "user_id": asked.user_id,
        "event_time": asked.event_time,
        "event_type": asked.event_type,
        "device_id": asked.device_id,
    }
    wanted = [
        *features,
        *listed(asked.event_id),
        *listed(asked.order),
        *filter(None, (asked.level, asked.group, asked.amount)),
    ]
    databases = databases_of(con, asked.attach, asked.name)
    if asked.table_name is not None:
        raise MappingError(
            "table_name (--table) is the table of one DuckDB file: with several sources name it in its source, "
            'Source(..., table_name=...) (--source "FILE: table=NAME, ...")'
        )
    parts = feeds_of(con, sources, otherwise, wanted, asked.time_unit, databases)
    mapping = replace(_named(asked, databases, "", *CANONICAL), composition=parts)
    return spelled_out(con, mapping)


def _device(mapping: Mapping, types: Dict[str, pa.DataType], asked: Asked) -> str | None:
    """The column of devices: with several sources it has one name, if any of them has it."""
    parts = mapping.composition
    if parts is None or not parts.feeds:
        return asked.device_id
    if asked.device_id is not None and DEVICE not in types:
        raise MappingError(
            f'no source has a column "{asked.device_id}" for device_id: pass device_id=... (--device-id), or name it '
            "in the source that has it, Source(..., device_id=...)"
        )
    return DEVICE if DEVICE in types else None


def _named(
    asked: Asked, databases: tuple[Attached, ...], relation: str, user_id: str, event_time: str, event_type: str
) -> Mapping:
    """A mapping with what concerns no column."""
    return Mapping(
        name=asked.name,
        relation=relation,
        user_id=user_id,
        event_time=event_time,
        event_type=event_type,
        prefix=asked.prefix if asked.prefix is not None else "" if asked.name == DEFAULT_MAPPING else f"{asked.name}_",
        time_cap=moment(asked.time_cap, "time_cap", MappingError) if asked.time_cap is not None else None,
        append_only=asked.append_only,
        attached=databases,
    )


def _with_attributes(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, types: Dict[str, pa.DataType], asked: Asked
) -> Mapping:
    """The mapping with the attributes of users that are asked for, if any are."""
    if asked.users is None:
        if asked.user_features or asked.user_key is not None or asked.valid_from is not None:
            raise MappingError(
                "user_features, user_key and valid_from (--user-feature, --user-key, --valid-from) are columns of the "
                "table of users: say which that is, users=... (--users)"
            )
        return mapping
    if mapping.composition is None:
        unit = time_unit_of(con, mapping, types[mapping.event_time], asked.time_unit)
        mapping = replace(mapping, time_unit=unit)
    return attribute(con, mapping, AskedUsers(asked.users, asked.user_features, asked.user_key, asked.valid_from))


def _both(
    features: tuple[str, ...] | Dict[str, Kind], more: Iterable[str] | Dict[str, Kind]
) -> tuple[str, ...] | Dict[str, Kind]:
    """Columns of the events and attributes of users, each with how it is read where that is said."""
    both = [dict(some) if isinstance(some, Dict) else dict.fromkeys(some) for some in (features, more)]
    return cast("Dict[str, Kind]", both[0] | both[1])


def _with_columns(
    mapping: Mapping,
    asked: Asked,
    features: tuple[str, ...] | Dict[str, Kind],
    types: Dict[str, pa.DataType],
    table: str,
) -> Mapping:
    """The mapping with all columns that go with an event, and what is left out."""
    ids = tuple(column_of(column, "event_id", types, table) for column in listed(asked.event_id))
    if ids and mapping.composition is not None and mapping.composition.feeds:
        ids = (*(name for name in ids if name != NAME), NAME)  # an id is one within its source
    subtype, event_type = None, mapping.event_type
    if asked.level is not None:
        subtype, event_type = event_type, column_of(asked.level, "level", types, table)
        check_levels(subtype, event_type, types, mapping.relation)
    roles = (mapping.user_id, mapping.event_time, event_type, subtype)
    return replace(
        mapping,
        event_type=event_type,
        subtype=subtype,
        features=(
            *([Feature(subtype, "categorical")] if subtype is not None else []),
            *features_of(features, roles, types, table),
        ),
        event_id=ids,
        order=tuple(column_of(column, "order", types, table) for column in listed(asked.order)),
        exclude_types=tuple(sorted(set(listed(asked.exclude_types)))),
        group=None if asked.group is None else column_of(asked.group, "group", types, table),
    )
