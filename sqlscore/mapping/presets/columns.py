"""Columns of an export in SQL, with the types that a preset reads them as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import duckdb

from sqlscore.mapping.presets.sources import Column, Source
from sqlscore.quoting import identifier, literal


def selected(
    source: Source,
    columns: Iterable[Column],
    where: str = "",
    fields: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> str:
    """A query for these columns with the types that they are to have; those that the table lacks are NULL.

    Args:
        source: The table.
        columns: The columns, in this order.
        where: A condition on the table.
        fields: More columns by name, which are fields of nested ones: the name of that, and of the field.
    """
    values = {column.name: value(source, column) for column in columns}
    values |= {name: _field(source, *path) for name, path in fields.items()}
    listed = ",\n    ".join(f"{sql} AS {identifier(name)}" for name, sql in values.items())
    return f"SELECT {listed}\nFROM {source.relation}" + (f"\nWHERE {where}" if where else "")


def value(source: Source, column: Column) -> str:
    """SQL for a column with the type that it is to have."""
    have, name, kind = source.types.get(column.name), identifier(column.name), column.kind
    if have is None:
        return f"CAST(NULL AS {'VARCHAR' if kind == 'ANY' else kind})"
    if kind == "ANY" or (have == kind and kind != "VARCHAR"):
        return name
    text = f"nullif({name}, '')"
    if kind == "VARCHAR":
        return text if have == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    if kind == "TIMESTAMP":
        return _utc(name, text, have)
    if kind == "JSON" and have != "VARCHAR":
        return f"to_json({name})"
    return f"CAST({text if have == 'VARCHAR' else name} AS {kind})"


def _field(source: Source, column: str, field: str) -> str:
    """SQL for a field as text: of a STRUCT it is read as it is, of JSON it is looked for."""
    have = source.types.get(column)
    if have is None:
        return "CAST(NULL AS VARCHAR)"
    if have.startswith("STRUCT("):
        there = next((name for name, _ in duckdb.sqltype(have).children if name.casefold() == field), None)
        name = f"{identifier(column)}.{identifier(there)}" if there is not None else "NULL"
        return f"nullif(CAST({name} AS VARCHAR), '')"
    return f"nullif({value(source, Column(column, 'JSON'))} ->> {literal(f'$.{field}')}, '')"


def _utc(name: str, text: str, have: str) -> str:
    if have == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name})"
    if have != "VARCHAR":
        return f"CAST({name} AS TIMESTAMP)"
    # a cast of text to TIMESTAMP drops the offset, and one to TIMESTAMPTZ adds the session's where there is none
    zoned = rf"regexp_matches({name}, ':\d\d(\.\d+)?\s*([+-]\d\d(:?\d\d)?)$')"
    return f"CASE WHEN {zoned} THEN timezone('UTC', CAST({text} AS TIMESTAMPTZ)) ELSE CAST({text} AS TIMESTAMP) END"
