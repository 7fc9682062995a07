"""The mapped columns of a relation that is costly to read, read once: what is looked at when events are mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from sqlscore.events.mapping import Mapping
from sqlscore.mapping.elsewhere import OF_FILE, is_table
from sqlscore.quoting import identifier

_COPY = "temp.main.sqlscore_read_once"
_WHOLE = "temp.main.sqlscore_read_whole"
_PARQUET = "read_parquet("  # single columns of it are read as cheaply as those of a table


@contextmanager
def read_once(con: duckdb.DuckDBPyConnection, mapping: Mapping, whole: bool = False) -> Iterator[Mapping]:
    """The mapping over a temporary table of its columns, and of no others; as it is, if it reads a table.

    A view may group or join a whole export each time that it is read, and mapping looks at the events many times. The
    table is of this connection alone, goes to disk where memory is short, and is dropped at the end.

    Args:
        con: A connection to the database that no transaction is open on.
        mapping: The mapped events, whose relation can be read.
        whole: All columns are to be in the table: they are few, and will be looked at.
    """
    if _is_cheap(con, mapping):
        yield mapping
        return
    names = ", ".join(identifier(name) for name in dict.fromkeys((*mapping.read_columns, *mapping.event_id)))
    names = "*" if whole else names
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_COPY} AS SELECT {names} FROM {mapping.relation}")
    try:
        yield replace(mapping, relation=_COPY)
    finally:
        con.execute(f"DROP TABLE {_COPY}")


@contextmanager
def read_whole(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[str]:
    """A temporary table of what a query gives, which is dropped at the end.

    Args:
        con: A connection to the database that no transaction is open on.
        query: A SELECT of few columns, all of which will be looked at.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_WHOLE} AS {query}")
    try:
        yield _WHOLE
    finally:
        con.execute(f"DROP TABLE {_WHOLE}")


def over(mapping: Mapping, copy: str) -> Mapping:
    """The mapping with a copy of its one relation in place of it.

    Args:
        mapping: The mapped events, of which a copy is there.
        copy: SQL that stands in a FROM clause.
    """
    if mapping.composition is None:
        return replace(mapping, relation=copy)
    return replace(mapping, composition=replace(mapping.composition, relation=copy))


def _is_cheap(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    relation = mapping.relation
    is_read_fast = relation == _WHOLE or relation.startswith((OF_FILE, _PARQUET)) or is_table(con, relation)
    return mapping.composition is None and is_read_fast
