"""Columns of a text file that are read as they are written: the engine's guess of their type can make values equal."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from sqlscore.database.queries import one
from sqlscore.quoting import identifier, literal

_READ_CSV = "read_csv("


def as_written(
    con: duckdb.DuckDBPyConnection, relation: str, columns: Iterable[str], features: Iterable[str] = ()
) -> str:
    """The call of `read_csv` that reads these columns as text if the type that the engine guesses would change them.

    1146540123.1921992521 would become a DOUBLE of fewer digits, 007 the number 7, and NO the boolean false: ids and
    actions that differ would be one. A column that its guessed type writes as the file does keeps that type.

    Args:
        con: A connection to the database.
        relation: The SQL of a FROM clause; anything but a call of read_csv stays as it is.
        columns: Names of columns that hold ids or actions.
        features: Names of columns of which those that the engine takes for booleans may be words.
    """
    if not relation.startswith(_READ_CSV):
        return relation
    guessed = con.sql(f"FROM {relation} LIMIT 0")
    kinds = dict(zip(guessed.columns, map(str, guessed.types), strict=True))
    wanted, words = ({name.casefold() for name in names} for names in (columns, features))
    doubtful = [
        name
        for name, kind in kinds.items()
        if (name.casefold() in wanted and kind != "VARCHAR") or (name.casefold() in words and kind == "BOOLEAN")
    ]
    if not doubtful:
        return relation
    changed = ", ".join(
        f"bool_or(CAST(TRY_CAST({identifier(name)} AS {kinds[name]}) AS VARCHAR) IS DISTINCT FROM "
        f"trim({identifier(name)})) FILTER ({identifier(name)} IS NOT NULL)"
        for name in doubtful
    )
    row = one(con, f"SELECT {changed} FROM {_with_text(relation, doubtful)}") or ()
    lossy = [name for name, differs in zip(doubtful, row, strict=True) if differs or kinds[name] == "DOUBLE"]
    return _with_text(relation, lossy) if lossy else relation


def _with_text(relation: str, columns: Iterable[str]) -> str:
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    return f"{relation.removesuffix(')')}, types = {{{types}}})"
