"""Events with the attributes of their user, as they were at the time of the event."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sqlscore.database.events_query import SOURCE, source
from sqlscore.events.attributes import AttributesRule
from sqlscore.events.mapping import Mapping, TimeUnit
from sqlscore.events.times_in_sql import microseconds_of_any
from sqlscore.quoting import SYSTEM, identifier, literal, qualified

ATTRIBUTES_VIEW = "user_attributes"
"""The name of the view of attributes as of the newest event, in the mapping's schema."""

_KEY, _BEGINS = "sqlscore_key", "sqlscore_begins"
_ROWS = "user_row"


def attributed(mapping: Mapping, relation: str, rule: AttributesRule) -> str:
    """A query for the events with a column for each attribute, NULL where nothing is known of the user at that time.

    Args:
        mapping: Composed events.
        relation: The SQL of a FROM clause: the events.
        rule: Where the attributes are.
    """
    time = _moment(source(mapping.event_time), mapping.time_unit)
    columns = ", ".join(f"{_ROWS}.{identifier(name)}" for name in rule.columns)
    join = _joined(rule, rows_of_users(mapping, rule), source(mapping.user_id), time)
    return f"SELECT {SOURCE}.*, {columns} FROM {relation} AS {SOURCE}{join}"


def rows_of_users(mapping: Mapping, rule: AttributesRule) -> str:
    """A query for the rows of the table: the key, the time from which a row holds if rows have one, the attributes.

    Rows that agree in all of these are one. Two rows of a user that hold at one time raise.

    Args:
        mapping: Composed events, whose users the keys are.
        rule: Where the attributes are.
    """
    return _rows(rule, _user_of(mapping, rule))


def _user_of(mapping: Mapping, rule: AttributesRule) -> str:
    """The user of a row of the table, as events name them; SQL over SOURCE."""
    parts = mapping.composition
    key = source(rule.key)
    if parts is not None and parts.identity is not None:  # the person is text, and told apart from devices
        key = f"CAST({key} AS VARCHAR)"
        if parts.identity.device is not None:
            alike = f"{SYSTEM}.starts_with({key}, 'device:') OR {SYSTEM}.starts_with({key}, 'user:')"
            key = f"CASE WHEN {alike} THEN 'user:' || {key} ELSE {key} END"
    return key


def newest_rows_of_users(mapping: Mapping, rule: AttributesRule, columns: Sequence[str]) -> str:
    """A query with one row a user of the table: user_id, and these columns of it from the row that holds last.

    They may be other columns than the attributes. Of several such rows it takes the one that sorts last.

    Args:
        mapping: Composed events, whose users the keys are.
        rule: Where the attributes are.
        columns: Columns of its relation, at least one.
    """
    begins = f"{source(rule.valid_from)}" if rule.valid_from is not None else "NULL"
    row = ", ".join([f"{_BEGINS} := {begins}", *(f"{identifier(name)} := {source(name)}" for name in columns)])
    fields = ", ".join(f"{_ROWS}.{identifier(name)}" for name in columns)
    return (
        f"SELECT user_id, {fields} FROM (\n"
        f"    SELECT {_user_of(mapping, rule)} AS user_id, max(struct_pack({row})) AS {_ROWS}\n"
        f"    FROM {rule.relation} AS {SOURCE} WHERE {source(rule.key)} IS NOT NULL GROUP BY ALL)"
    )


def sample_of_attributes() -> str:
    """A text that differs whenever the queries here would be written in another way."""
    rules = [AttributesRule("r", "k", ("c",), valid_from) for valid_from in (None, "f")]
    return "\n".join(_joined(rule, _rows(rule, "k"), "u", _moment("t", None)) for rule in rules)


def _moment(column: str, unit: TimeUnit | None) -> str:
    """A column as a TIMESTAMP in UTC, whatever type of time it has: the type may change under a view."""
    wrong = f"{SYSTEM}.error({literal(f'{column} is no time')})"
    return f"{SYSTEM}.make_timestamp({microseconds_of_any(column, unit, f'CAST({wrong} AS BIGINT)')})"


def _rows(rule: AttributesRule, key: str) -> str:
    """The query of `rows_of_users`, with SQL over SOURCE for the key."""
    place = {_KEY: key}
    if rule.valid_from is not None:
        place[_BEGINS] = f"coalesce({_moment(source(rule.valid_from), None)}, CAST('-infinity' AS TIMESTAMP))"
    named = [f"{value} AS {name}" for name, value in place.items()]
    columns = [f"{source(name)} AS {identifier(name)}" for name in rule.columns]
    rows = f"""SELECT DISTINCT {", ".join([*named, *columns])} FROM {rule.relation} AS {SOURCE}
        WHERE {source(rule.key)} IS NOT NULL AND {_ever(rule)}"""
    several = f"' has several rows{' from one time on' if rule.valid_from is not None else ''} in '"
    error = f"{SYSTEM}.error({literal(f'{rule.key} ')} || {_KEY} || {several} || {literal(rule.relation)})"
    single = f"CASE WHEN count(*) > 1 THEN {error} ELSE {_KEY} END AS {_KEY}"
    first = [f"{SYSTEM}.first({identifier(name)}) AS {identifier(name)}" for name in rule.columns]
    return f"SELECT {', '.join([single, *list(place)[1:], *first])} FROM ({rows}) GROUP BY {', '.join(place)}"


def _ever(rule: AttributesRule) -> str:
    """A condition: the row holds from some time on."""
    if rule.valid_from is None:
        return "true"
    return f"CAST({source(rule.valid_from)} AS TIMESTAMP) IS DISTINCT FROM CAST('infinity' AS TIMESTAMP)"


def install_attributes(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Make the view of attributes if the events have such, else drop one of another mapping.

    Inside the caller's transaction, after the view of the events, which it reads.
    """
    view = qualified(mapping.schema, ATTRIBUTES_VIEW)
    rule = mapping.composition.users if mapping.composition is not None else None
    if rule is None:
        con.execute(f"DROP VIEW IF EXISTS {view}")
        return
    events, high_water = (qualified(mapping.schema, name) for name in ("events", "high_water"))
    users = f"SELECT DISTINCT user_id, (SELECT high_water FROM {high_water}) AS as_of FROM {events}"
    columns = ", ".join(f"{_ROWS}.{identifier(name)}" for name in rule.columns)
    join = _joined(rule, rows_of_users(mapping, rule), f"{SOURCE}.user_id", f"{SOURCE}.as_of")
    con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT {SOURCE}.user_id, {columns} FROM ({users}) AS {SOURCE}{join}")
    con.execute(f"COMMENT ON VIEW {view} IS 'One row per user of the events: the attributes as of the newest event'")
    con.execute(f"COMMENT ON COLUMN {view}.user_id IS 'The user.'")
    for name in rule.columns:
        con.execute(f"COMMENT ON COLUMN {view}.{identifier(name)} IS 'An attribute, NULL if not known.'")


def _joined(rule: AttributesRule, rows: str, user: str, time: str) -> str:
    """The join of the attributes' rows to users, as of a time."""
    joined = f"({rows}) AS {_ROWS} ON {_ROWS}.{_KEY} = {user}"
    if rule.valid_from is None:
        return f" LEFT JOIN {joined}"
    return f" ASOF LEFT JOIN {joined} AND {_ROWS}.{_BEGINS} <= {time}"
