"""The column that says what an event is worth: what it may be, and which columns it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from dataclasses import replace

import duckdb
import pyarrow as pa

from sqlscore.database.queries import one
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.kinds import is_text
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.quoting import identifier

_WORDS = {
    "amount", "price", "revenue", "spend", "spent", "sales", "turnover", "paid", "payment", "total", "value", "gmv",
    "income", "gross", "net",
}  # fmt: skip
_OTHER = {"id", "code", "count", "rate", "type", "name", "share", "pct", "percent", "index", "rank"}
_MONEY = r"'[^0-9,.-]'"


def with_amount(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> Mapping:
    """The mapping with this column, spelled as in the table, as the amount: one of the features, read as a number.

    Raises MappingError or EventsError if it cannot be.
    """
    if name in (mapping.user_id, mapping.event_time, mapping.event_type, mapping.subtype):
        raise MappingError(
            f'column "{name}" is user, time or action, and cannot be the amount: name the column of what an event is '
            "worth, amount=... (--amount)"
        )
    if mapping.composition is not None and mapping.composition.users is not None:
        of_users = {column.casefold() for column in mapping.composition.users.columns}
        if name.casefold() in of_users:
            raise MappingError(
                f'the amount "{name}" is an attribute of users (user_features), the same for all events of a user: '
                "name a column of the events"
            )
    known = next((feature for feature in mapping.features if feature.name == name), None)
    if known is not None and known.kind != "numeric":
        raise MappingError(f'the amount "{name}" is mapped as a category: leave it out of --categorical')
    features = mapping.features if known is not None else (*mapping.features, Feature(name, "numeric"))
    changed = replace(mapping, features=features, amount=name)
    check_amount(con, changed)
    _check_finite(con, changed)
    return changed


def check_amount(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise EventsError, which names a value and the cast that is meant, if the amounts of a mapping are no numbers."""
    if mapping.amount is None:
        return
    name, column = mapping.amount, identifier(mapping.amount)
    relation = con.sql(f"SELECT {column} FROM {mapping.relation} LIMIT 0")
    kind: pa.DataType = relation.to_arrow_table().schema.field(0).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return
    said = f'amount column "{name}" has type {relation.types[0]}'
    text = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not is_text(text):
        raise EventsError(f"{said}, expected a number: name the column of what an event is worth, or cast it in a view")
    row = one(
        con,
        f"""SELECT v, TRY_CAST(v AS DOUBLE) IS NOT NULL, regexp_matches(v, ',[0-9]{{1,2}}[^0-9]*$')
            FROM (SELECT trim(CAST({column} AS VARCHAR)) AS v FROM {mapping.relation} WHERE {column} IS NOT NULL)
            WHERE v <> '' ORDER BY TRY_CAST(v AS DOUBLE) IS NOT NULL LIMIT 1""",
    )
    value, is_number, comma = row or (None, True, False)
    digits = f"regexp_replace(CAST({column} AS VARCHAR), {_MONEY}, '', 'g')"
    read = f"replace(replace({digits}, '.', ''), ',', '.')" if comma else f"replace({digits}, ',', '')"
    cast = f"TRY_CAST({column if is_number else read} AS DECIMAL(18, 2))"
    held = "" if value is None else f" and holds {str(value)[:40]!r}"
    raise EventsError(
        f"{said}{held}, expected a number: map a view with {cast} AS {column}, and look at the rows that it makes NULL"
    )


def _check_finite(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Raise EventsError if an amount is infinite or not a number, which no sum survives."""
    column = identifier(mapping.amount or "")
    if str(con.sql(f"SELECT {column} FROM {mapping.relation} LIMIT 0").types[0]) not in ("FLOAT", "DOUBLE"):
        return
    row = one(con, f"SELECT {column} FROM {mapping.relation} WHERE NOT isfinite({column}) LIMIT 1")
    if row is not None:
        raise EventsError(
            f'amount column "{mapping.amount}" is {row[0]} in a row: map a view with '
            f"CASE WHEN isfinite({column}) THEN {column} END AS {column}, where NULL means worth nothing"
        )


def likely_amounts(mapping: Mapping, types: Dict[str, pa.DataType]) -> tuple[str, ...]:
    """Numbers that may say what an event is worth, by their names; none if one is mapped as that.

    Args:
        mapping: The mapped events.
        types: The Arrow types of the columns of the mapped relation, by name.
    """
    if mapping.amount is not None:
        return ()
    coded = {feature.name for feature in mapping.features if feature.kind == "categorical"}
    taken = {mapping.user_id, mapping.event_time, mapping.event_type, *mapping.event_id, *mapping.order, *coded}
    return tuple(
        name
        for name, kind in types.items()
        if name not in taken
        and (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
        and _WORDS & (words := _words(name))
        and not _OTHER & words
    )


def _words(name: str) -> set[str]:
    """The words of a name: "lineTotal" and "line_total" have two."""
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()))
