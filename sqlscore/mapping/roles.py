"""Which column plays which role, and whether its type can."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Dict

import duckdb
import pyarrow as pa

from sqlscore.database.events_query import utc_timestamp
from sqlscore.database.queries import one
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.kinds import Kind, kind_of
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.events.type_names import sql_name
from sqlscore.excerpts import engine_message
from sqlscore.mapping.amounts import check_amount
from sqlscore.mapping.composition.attributes import check_attributes
from sqlscore.mapping.composition.checks import check_composition
from sqlscore.mapping.groups import check_group
from sqlscore.mapping.relations import column_of, types_of
from sqlscore.mapping.tie_order import check_order
from sqlscore.quoting import identifier, literal


def features_of(
    asked: Iterable[str] | Dict[str, Kind], roles: Iterable[str | None], types: Dict[str, pa.DataType], table: str
) -> tuple[Feature, ...]:
    """The extra columns, and how each is read.

    Args:
        asked: Names of columns, or how to read each by name.
        roles: Columns that already have a role.
        types: The types of all columns.
        table: What the user called the events.

    Raises MappingError or EventsError if a column cannot be a feature.
    """
    kinds = dict(asked) if isinstance(asked, Dict) else dict.fromkeys(asked)
    features = []
    for wanted, kind in kinds.items():
        name = column_of(wanted, "feature", types, table)
        if name in roles:
            raise MappingError(f'column "{name}" is given two roles: a feature may not be user, time or action too')
        if kind not in (None, "categorical", "numeric"):
            raise MappingError(f'feature "{name}" cannot be read as {kind!r}: "categorical" or "numeric"')
        natural = kind_of(name, types[name])
        if kind == "numeric" and natural != "numeric":
            raise MappingError(
                f'feature "{name}" has type {sql_name(types[name])}, which is not a number: cast it in a view'
            )
        features.append(Feature(name, kind or natural))
    return tuple(features)


def check_levels(subtype: str, level: str, types: Dict[str, pa.DataType], relation: str) -> None:
    """Raise MappingError or EventsError if these two columns cannot be the levels of an action."""
    if subtype == level:
        raise MappingError(f'"{level}" is given as event_type and as its level: leave level out, or name a coarser one')
    if subtype.casefold() == "event_type":
        raise MappingError(
            f'the finer column is called "{subtype}", as sqlscore.events calls the level: rename it in a view, '
            f"CREATE VIEW two_levels AS SELECT * RENAME ({identifier(subtype)} AS event_subtype) FROM {relation}, "
            'and map that view with event_type="event_subtype"'
        )
    if kind_of_action(types[subtype]) is None:
        raise EventsError(
            f'event_type column "{subtype}" has type {sql_name(types[subtype])}, expected VARCHAR, ENUM or an integer '
            "code: cast it to VARCHAR in a view"
        )


def check_roles(mapping: Mapping, types: Dict[str, pa.DataType]) -> None:
    """Raise MappingError or EventsError if a column has two roles, or a type that its role cannot have."""
    folded = [name.casefold() for name in mapping.columns]
    twice = next((name for name in folded if folded.count(name) > 1), None)
    if twice is not None:
        raise MappingError(
            f'column "{twice}" is given two roles: a column has one (names that differ in capitals alone are one '
            "column), so name it once among user_id, event_time, event_type, features and the rest"
        )
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
            f'user_id column "{mapping.user_id}" has type {sql_name(kind)}, expected one value for a user: '
            "cast it to VARCHAR in a view, or choose one of its fields"
        )
    kind = types[mapping.event_type]
    if kind_of_action(kind) is None:
        raise EventsError(
            f'event_type column "{mapping.event_type}" has type {sql_name(kind)}, expected VARCHAR, ENUM or an integer '
            "code: cast it to VARCHAR in a view"
        )


def check_types(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise what `map_events` would raise if a mapped column has by now a type that its role cannot have.

    Raises MappingError if that is because nothing is left in a file from which the engine could tell a type.
    """
    try:
        _check_types(con, mapping)
    except (EventsError, MappingError) as error:
        if mapping.relation.endswith(")") and _is_empty(con, mapping.relation):
            raise MappingError(f"{mapping.relation} holds no row: a load that failed?") from error
        raise


def _is_empty(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether a relation can be read and has no rows."""
    try:
        return one(con, f"FROM {relation} LIMIT 1") is None
    except duckdb.Error:
        return False


def _check_types(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    if mapping.composition is not None:
        check_composition(con, mapping.composition)
        if mapping.composition.users is not None:
            check_attributes(con, mapping, mapping.composition.users)
    types = types_of(con, mapping.relation, mapping.relation)
    for role, name in zip(("user_id", "event_time", "event_type"), mapping.columns, strict=False):
        column_of(name, role, types, mapping.relation)
    for name in mapping.order:
        column_of(name, "order", types, mapping.relation)
    for name in mapping.event_id:
        column_of(name, "event_id", types, mapping.relation)
    if mapping.group is not None:
        column_of(mapping.group, "group", types, mapping.relation)
    if mapping.amount is not None:
        column_of(mapping.amount, "amount", types, mapping.relation)
    check_amount(con, mapping)
    check_group(con, mapping)
    check_order(con, mapping)
    check_roles(mapping, types)
    check_users(con, mapping)
    utc_timestamp(con, mapping)  # raises if these are no times
    features_of({f.name: f.kind for f in mapping.features if f.name in types}, (), types, mapping.relation)


def check_readable(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise MappingError, with what mends it, if the events cannot be read as they were mapped."""
    try:
        check_types(con, mapping)
    except UNREADABLE as error:
        raise unreadable(mapping, error) from error


UNREADABLE = (MappingError, duckdb.CatalogException, duckdb.BinderException, duckdb.IOException)
"""What the engine or a check raises where a table, a column or a file is not as it was when it was mapped."""


def unreadable(mapping: Mapping, error: Exception) -> MappingError:
    """The error of a verb that reads the mapped events, with its cause."""
    return MappingError(
        f'the events mapped as "{mapping.name}" cannot be read: {engine_message(error)}; map them again '
        "where they are now"
    )


_INEXACT = ("BIT", "INTERVAL", "TIME WITH TIME ZONE", "UHUGEINT", "BIGNUM", "VARIANT")
"""Types that Arrow does not carry exactly, so that different users would become one."""


def check_users(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise EventsError if sqlscore cannot tell users apart as the database does.

    sqlscore compares bytes, but by some collations different texts are one user. Floating numbers round ids
    that differ to one. The other types that are refused change in Arrow, which drops an offset or digits.
    """
    column = identifier(mapping.user_id)
    users = f"SELECT {column} AS u FROM {mapping.relation} WHERE false"
    kind = str(con.sql(users).types[0])
    if kind in _INEXACT:
        also = " (or UUID)" if kind == "UHUGEINT" else ""
        raise EventsError(f'user_id column "{mapping.user_id}" has type {kind}: cast it to VARCHAR{also} in a view')
    if kind in ("FLOAT", "DOUBLE"):
        raise EventsError(
            f'user_id column "{mapping.user_id}" has type {kind}, in which different ids become one number: map a view '
            f"with the id as text or a whole number, CAST({column} AS VARCHAR) or BIGINT, over a source that still has "
            f"it exactly, such as read_csv(..., types = {{{literal(mapping.user_id)}: 'VARCHAR'}})"
        )
    if kind != "VARCHAR":
        return
    row = one(con, f"SELECT u = 'A' OR u = 'á' FROM ({users} UNION ALL SELECT 'a')")
    if row is not None and row[0]:
        raise EventsError(
            f'user_id column "{mapping.user_id}" has a collation by which "a" and "A" (or "á") are one user, sqlscore '
            f"has two: map a view with decode(encode(lower({column}))) AS {column}, or without lower if they are two"
        )


def kind_of_action(kind: pa.DataType) -> str | None:
    """How actions of this type are read: "text" or "code" (integers); None if they cannot be read."""
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "code"
    try:
        return "text" if kind_of("event_type", kind) == "categorical" else None
    except EventsError:
        return None
