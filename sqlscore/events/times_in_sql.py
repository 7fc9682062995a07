"""SQL for the time of an event as whole microseconds since 1970 in UTC, whatever its type.

The same rules as `times_in_arrow`.
"""

from __future__ import annotations

from sqlscore.events.mapping import Mapping, TimeUnit
from sqlscore.quoting import SYSTEM, literals

TIMESTAMPS = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "DATE")
"""Names of the types that a cast to TIMESTAMP takes to UTC without losing anything."""

ZONED = "TIMESTAMP WITH TIME ZONE"

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_WHOLE = (*INTEGERS, "HUGEINT")
_NANOSECONDS = ("TIMESTAMP_NS", "TIMESTAMPTZ_NS")
_SCALE: dict[TimeUnit, str] = {"s": "* 1000000", "ms": "* 1000", "us": "* 1"}


def microseconds(column: str, kind: str, unit: TimeUnit | None) -> str | None:
    """A BIGINT expression, NULL for an infinite time; None if the type is not a time type.

    Args:
        column: an SQL expression.
        kind: the name of its type, as `typeof` gives it.
        unit: of epoch numbers; None if times are not numbers.
    """
    if kind in TIMESTAMPS:
        return f"{SYSTEM}.epoch_us(CAST({column} AS TIMESTAMP))"
    if kind == ZONED:
        return f"{SYSTEM}.epoch_us(CAST({column} AS TIMESTAMPTZ))"
    if kind in _NANOSECONDS:
        return _thousandth(f"{SYSTEM}.epoch_ns(CAST({column} AS {kind}))")
    if unit is None:
        return None
    if kind in _WHOLE or (kind.startswith("DECIMAL(") and kind.endswith(",0)")):
        number = f"CAST({column} AS BIGINT)"
        return _thousandth(number) if unit == "ns" else f"{number} {_SCALE[unit]}"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL("):
        number = f"CAST({column} AS DOUBLE)"
        scale = "/ 1000" if unit == "ns" else _SCALE[unit]
        scaled = f"CASE WHEN {SYSTEM}.isfinite({number}) THEN {number} END {scale}"
        return f"CAST({SYSTEM}.round_even({scaled}, 0) AS BIGINT)"
    return None


def microseconds_of_any(column: str, unit: TimeUnit | None, otherwise: str) -> str:
    """A BIGINT expression as of `microseconds`, for a column whose type is known only when the query is bound.

    The engine folds `typeof` and keeps the one branch that applies; the casts in the others bind for any type.

    Args:
        column: an SQL expression.
        unit: of epoch numbers; None if times are not numbers.
        otherwise: the SQL expression for types that are not time types.
    """
    kind = f"{SYSTEM}.typeof({column})"
    kinds = [*TIMESTAMPS, ZONED, *_NANOSECONDS, *_WHOLE, "DOUBLE", "FLOAT"]
    branches: dict[str, list[str]] = {}
    for name in kinds:
        value = microseconds(column, name, unit)
        if value is not None:
            branches.setdefault(value, []).append(name)
    conditions = {f"{kind} IN ({literals(names)})": value for value, names in branches.items()}
    for pattern, name in (("DECIMAL(%,0)", "DECIMAL(18,0)"), ("DECIMAL(%", "DECIMAL(18,3)")):
        value = microseconds(column, name, unit)
        if value is not None:
            conditions[f"{kind} LIKE '{pattern}'"] = value
    conditions[f"{kind} = '\"NULL\"'"] = "NULL"  # a bare NULL, which has no type yet
    whens = " ".join(f"WHEN {condition} THEN {value}" for condition, value in conditions.items())
    return f"CASE {whens} ELSE {otherwise} END"


def wrong_time(mapping: Mapping, kind: str) -> str:
    """What to say of a time column whose type is not a time type."""
    if mapping.time_unit is not None:
        return wrong_type(mapping.event_time, kind, "an epoch number", "BIGINT")
    return wrong_type(mapping.event_time, kind, "TIMESTAMP, TIMESTAMPTZ or DATE", "TIMESTAMP")


def wrong_type(column: str, kind: str, wanted: str, remedy: str) -> str:
    """What to say of a column whose type cannot be read.

    Args:
        column: its name.
        kind: its type.
        wanted: the types that can be read, in words.
        remedy: the type to cast it to.
    """
    return (
        f'events column "{column}" has type {kind}, expected {wanted}: '
        f"cast it to {remedy} in a view or subquery, or map the events again"
    )


def _thousandth(number: str) -> str:
    """Rounded down, as for positive numbers so for negative ones; the engine's division cuts towards zero."""
    return f"({number} // 1000 - CAST({number} % 1000 < 0 AS BIGINT))"
