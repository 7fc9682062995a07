"""Attributes of users: how their table is read, what makes it unusable, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace

import duckdb

from sqlscore.database.composition import spelled_out
from sqlscore.database.composition.attributes import rows_of_users
from sqlscore.database.events_query import usable_events
from sqlscore.database.queries import one
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.attributes import AttributesRule
from sqlscore.events.composition import Composition
from sqlscore.events.kinds import Kind
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.events.times_in_sql import INTEGERS, TIMESTAMPS, ZONED
from sqlscore.mapping.candidates import known_afterwards
from sqlscore.mapping.relations import column_of, relation_of, types_of
from sqlscore.mapping.text_files import as_written
from sqlscore.quoting import identifier


@dataclass(frozen=True)
class AskedUsers:
    """What the user says of the attributes: `users`, `user_features`, `user_key` and `valid_from` of `map_events`."""

    table: str
    features: Iterable[str] | Dict[str, Kind] = field(default=())
    key: str | None = None
    valid_from: str | None = None


def attribute(con: duckdb.DuckDBPyConnection, mapping: Mapping, asked: AskedUsers) -> Mapping:
    """The mapping with attributes of users besides; its relation is still the events without them.

    Args:
        con: A connection to the database.
        mapping: The events with their roles; if they are composed, spelled out or not.
        asked: What the user says.

    Raises MappingError or EventsError, which name the column or the user, and what to do.
    """
    relation = relation_of(con, asked.table, mapping.attached)
    types = types_of(con, relation, asked.table)
    key = _key(asked, mapping, types)
    names = list(asked.features)
    relation = as_written(con, relation, (key,), names)
    valid_from = column_of(asked.valid_from, "valid_from", types, asked.table) if asked.valid_from is not None else None
    columns = tuple(column_of(name, "user_feature", types, asked.table) for name in names)
    if not columns:
        have = ", ".join(f'"{name}"' for name in types if name not in (key, valid_from))
        raise MappingError(
            f'which columns of "{asked.table}" are attributes is not said (columns: {have}): name them, '
            "user_features=[...] (--user-feature C)"
        )
    twice = next((name for name in columns if columns.count(name) > 1 or name in (key, valid_from)), None)
    if twice is not None:
        raise MappingError(f'column "{twice}" of "{asked.table}" is given two roles')
    rule = AttributesRule(relation, key, columns, valid_from)
    parts = mapping.composition or Composition(mapping.relation)
    mapping = replace(mapping, composition=replace(parts, users=rule))
    _check_names(con, mapping, rule, asked.table)
    check_attributes(con, mapping, rule)
    return mapping


def check_attributes(con: duckdb.DuckDBPyConnection, mapping: Mapping, rule: AttributesRule) -> None:
    """Raise EventsError if the table does not say one thing of each user at a time, or its keys cannot be the users'.

    Args:
        con: A connection to the database.
        mapping: The events, with attributes or before they have them.
        rule: Where the attributes are.
    """
    _check_types(con, mapping, rule)
    missing = one(con, f"SELECT count(*) FROM {rule.relation} WHERE {identifier(rule.key)} IS NULL") or (0,)
    if missing[0]:
        raise EventsError(
            f'{missing[0]} rows of the users in {rule.relation} have no "{rule.key}": leave them out in a view, WHERE '
            f"{identifier(rule.key)} IS NOT NULL"
        )
    try:
        con.execute(f"SELECT count(sqlscore_key) FROM ({rows_of_users(mapping, rule)})").fetchall()
    except duckdb.InvalidInputException as error:
        said = str(error).partition("Error: ")[2] or str(error)
        remedy = (
            "leave one of them in a view"
            if rule.valid_from is not None
            else "leave the newest in a view, or name the column of times from which each row holds, valid_from=... "
            "(--valid-from)"
        )
        raise EventsError(f"{said}: {remedy}") from error


def doubts_of_attributes(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> tuple[str, ...]:
    """What is odd about the attributes of mapped events: users without any, and what may know the future.

    Raises MappingError if no user has a row.
    """
    rule = mapping.composition.users if mapping.composition is not None else None
    if rule is None:
        return ()
    events = spelled_out(con, mapping)
    keys = f"SELECT DISTINCT sqlscore_key FROM ({rows_of_users(mapping, rule)})"
    n_users, n_known = one(
        con,
        f"""SELECT count(*), count(sqlscore_key) FROM (SELECT DISTINCT user_id FROM ({usable_events(con, events)}))
            LEFT JOIN ({keys}) ON sqlscore_key = user_id""",
    ) or (0, 0)
    if n_users and not n_known:
        raise MappingError(
            f'no user of the events has a row in {rule.relation}: is "{rule.key}" the same id as "{mapping.user_id}"? '
            "Name the column that is, user_key=... (--user-key)"
        )
    said = []
    if n_known < n_users:
        said.append(
            f"{n_users - n_known} of {n_users} users have no row in {rule.relation}: their attributes are NULL, "
            "read as missing"
        )
    if rule.valid_from is None:
        said.append(
            f"{', '.join(rule.columns)}: one row a user says what is known today, also of events long ago, so "
            "that a column that was filled in later can know the future; where the table keeps from when a row holds, "
            "name that column, valid_from=... (--valid-from)"
        )
        late = known_afterwards(con, events, rule.columns)
        if late:
            said.append(
                f"{', '.join(late)}: nearly says what comes next, and may have been filled in from it: leave it out, "
                "or map its history"
            )
    return tuple(said)


def _key(asked: AskedUsers, mapping: Mapping, types: Dict[str, object]) -> str:
    """The column of users: by default named as in the events, or user_id."""
    if asked.key is not None:
        return column_of(asked.key, "user_key", types, asked.table)
    folded = {name.casefold(): name for name in types}
    for likely in (mapping.user_id, "user_id"):
        if likely.casefold() in folded:
            return folded[likely.casefold()]
    have = ", ".join(f'"{name}"' for name in types)
    raise MappingError(
        f'"{asked.table}" has no column "{mapping.user_id}" (columns: {have}): say which one says who, user_key=... '
        "(--user-key)"
    )


def _check_names(con: duckdb.DuckDBPyConnection, mapping: Mapping, rule: AttributesRule, table: str) -> None:
    """Attributes stand beside the columns of the events, and need names of their own."""
    events = replace(mapping, composition=replace(_parts(mapping), users=None))
    taken = {name.casefold() for name in con.sql(f"FROM {spelled_out(con, events).relation} LIMIT 0").columns}
    for name in rule.columns:
        if name.casefold() in taken or name.casefold() in CANONICAL:
            raise MappingError(
                f'the events have a column "{name}" too: rename the attribute in a view, CREATE VIEW attributes AS '
                f"SELECT * RENAME ({identifier(name)} AS {identifier('user_' + name)}) FROM {rule.relation}, and map "
                f'that view in place of "{table}"'
            )


def _check_types(con: duckdb.DuckDBPyConnection, mapping: Mapping, rule: AttributesRule) -> None:
    """Ids of different types would silently fit nobody, or round to somebody else's."""
    parts = _parts(mapping)
    key = str(con.sql(f"SELECT {identifier(rule.key)} FROM {rule.relation}").types[0])
    if rule.valid_from is not None:
        kind = str(con.sql(f"SELECT {identifier(rule.valid_from)} FROM {rule.relation}").types[0])
        if kind not in (*TIMESTAMPS, ZONED, "TIMESTAMP_NS"):
            raise EventsError(
                f'valid_from column "{rule.valid_from}" of {rule.relation} has type {kind}, expected a time: cast it '
                f"in a view, for example to_timestamp({identifier(rule.valid_from)}) or CAST(... AS TIMESTAMP)"
            )
    events = spelled_out(con, replace(mapping, composition=replace(parts, users=None)))
    user = str(con.sql(f"SELECT {identifier(mapping.user_id)} FROM {events.relation}").types[0])
    as_text = parts.identity is not None
    if _family(key) == _family(user) or (as_text and _family(key) in ("whole", "text", "UUID")):
        return
    remedy = f"CAST({identifier(rule.key)} AS {'VARCHAR' if as_text else user}) AS {identifier(rule.key)}"
    raise EventsError(
        f'users are {user} in the events and {key} in "{rule.key}" of {rule.relation}: bring them to one type in a '
        f"view, CREATE VIEW attributes AS SELECT * REPLACE ({remedy}) FROM {rule.relation}"
    )


def _family(kind: str) -> str:
    if kind in INTEGERS:
        return "whole"
    return "text" if kind == "VARCHAR" or kind.startswith("ENUM") else kind


def _parts(mapping: Mapping) -> Composition:
    return mapping.composition or Composition(mapping.relation)
