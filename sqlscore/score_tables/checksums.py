"""Checksums of the tables that a refresh wrote, so that figures which somebody edited later are noticed.

A checksum is the XOR of the hashes of a table's rows: their order does not matter, and rows can be taken out and put in
without reading the others. An incremental refresh therefore only hashes what it replaces, which also means that it does
not cover up what somebody edited elsewhere in the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, qualified

ENGINE = "engine"
"""The key of the engine's version beside the sums: another one may hash otherwise, and then nothing is compared."""

AT_THE_MOMENT = "scored_users at the moment"
"""The key of what changes in `scored_users` with the moment of the scores, for all users; it has a sum of its own."""

_MOVING = ("churn_risk", "as_of", "days_silent")
_NOT_SUMMED = ("scored_at", "is_active", "days_to_next_action")
"""What every refresh writes into all rows of `scored_users`, and what the engine computes when it is read."""

Sums = dict[str, int]


def hashes(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str, row: str = "") -> dict[str, str]:
    """SQL for the hashes of a row of one table, by the key of the sum that they belong to.

    Args:
        con: A connection that sees the table.
        mapping: Whose table it is.
        name: The table, without its schema.
        row: The alias of the table in the query, if it needs one.
    """
    columns = con.sql(f"FROM {qualified(mapping.schema, name)} LIMIT 0").columns
    if name != "scored_users":
        return {name: _hash(columns, row)}
    return {
        name: _hash((c for c in columns if c not in (*_MOVING, *_NOT_SUMMED)), row),
        AT_THE_MOMENT: _hash((c for c in columns if c in ("user_id", *_MOVING)), row),
    }


def sums_of_changed(con: duckdb.DuckDBPyConnection, statement: str, found: dict[str, str]) -> Sums:
    """Run a DELETE or INSERT, and give the checksums of the rows that it took out or put in.

    Args:
        con: A connection in a transaction.
        statement: The statement, without a RETURNING clause.
        found: What `hashes` gave for its table.
    """
    named = {f"h{number}": sql for number, sql in enumerate(found.values())}
    returned = ", ".join(f"{sql} AS {name}" for name, sql in named.items())
    sums = ", ".join(f"bit_xor({name})" for name in named)
    return _as_sums(found, one(con, f"WITH rows AS ({statement} RETURNING {returned}) SELECT {sums} FROM rows"))


def checksums(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    name: str,
    only: str = "true",
    bound: Sequence[Any] = (),
    known: Sums | None = None,
) -> Sums:
    """The checksums of a table, or of some of its rows.

    Args:
        con: A connection that can read the table.
        mapping: Whose table it is.
        name: The table, without its schema.
        only: SQL for a condition on the rows.
        bound: Values in the condition.
        known: Sums that need not be made.
    """
    known = known or {}
    found = hashes(con, mapping, name)
    unknown = {key: sql for key, sql in found.items() if key not in known}
    sums = {key: known[key] for key in found if key in known}
    if unknown:
        summed = ", ".join(f"bit_xor({sql})" for sql in unknown.values())
        query = f"SELECT {summed} FROM {qualified(mapping.schema, name)} WHERE {only}"
        sums |= _as_sums(unknown, one(con, query, bound))
    return sums


def together(*sums: Sums) -> Sums:
    """The sums of several sets of rows in one; a set that is given twice is taken out again."""
    joint: Sums = {}
    for each in sums:
        for key, value in each.items():
            joint[key] = joint.get(key, 0) ^ value
    return joint


def engine(con: duckdb.DuckDBPyConnection) -> str:
    """The version of the engine."""
    return str((one(con, "SELECT version()") or ("",))[0])


def _hash(columns: Iterable[str], row: str) -> str:
    names = ", ".join(f"{row}.{identifier(c)}" if row else identifier(c) for c in columns)
    return f"hash({names})" if names else "0::UBIGINT"


def _as_sums(keys: Iterable[str], row: tuple[Any, ...] | None) -> Sums:
    return dict(zip(keys, (int(value or 0) for value in row or ()), strict=True))  # no rows have the sum 0
