"""The mark: what the last refresh had read, for the next one to compare with."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import MISSING, astuple, dataclass, fields

import duckdb

from sqlscore.database.objects import MATERIALIZED, is_table
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, qualified
from sqlscore.sql.objects import table

STATES_TABLE = "user_states"
MARK_TABLE = "refreshed"
_WRITTEN = (*MATERIALIZED, STATES_TABLE)

_RUNS, _RUN = 4, 16
"""How many runs of how many rows are hashed to recognise a table: the engine skips to runs faster than to rows."""


@dataclass(frozen=True)
class Mark:
    """What a refresh had read.

    n_rows, last_row and sample are set only for append-only base tables, and not if events have ids: what stands behind
    the last row may be an older event once more, which only all rows together show.
    """

    model: str
    sha256: str
    mapping: str  # as JSON
    n_rows: int | None
    last_row: int | None
    types: str | None = None  # None in a mark that an older sqlscore wrote
    sample: int | None = None
    written: str | None = None  # rows by table, as JSON


def mark_now(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str, sha256: str) -> Mark:
    """The mark for the events in the snapshot of this connection."""
    n_rows, last_row, sample = None, None, None
    if mapping.append_only and not mapping.event_id and _has_rowid(con, mapping):
        n_rows, last_row = one(con, f"SELECT count(*), max(rowid) FROM {mapping.relation}") or (0, None)
        sample = sample_of(con, mapping, last_row)
    names = ", ".join(identifier(name) for name in mapping.read_columns)
    types = ", ".join(map(str, con.sql(f"SELECT {names} FROM {mapping.relation}").types))
    return Mark(model, sha256, mapping.to_json(), n_rows, last_row, types, sample)


def read_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Mark | None:
    """The mark of the last refresh, None if there was none, or if somebody changed it."""
    if not is_table(con, mapping.schema, MARK_TABLE, STATES_TABLE):
        return None
    name = qualified(mapping.schema, MARK_TABLE)
    columns, row = columns_of(con, name), one(con, f"FROM {name}")
    if row is None or not _NEEDED <= set(columns) <= _COLUMNS:
        return None
    mark = Mark(**dict(zip(columns, row, strict=True)))
    return mark if _is_sound(mark) else None


_COLUMNS = {field.name for field in fields(Mark)}
_NEEDED = {field.name for field in fields(Mark) if field.default is MISSING}


def _is_sound(mark: Mark) -> bool:
    """Whether a refresh can have written it."""
    try:
        written = json.loads(mark.written or "{}")
    except (TypeError, ValueError):
        return False
    counts = written.values() if isinstance(written, dict) else (None,)
    numbers = (mark.n_rows, mark.last_row, mark.sample)
    return all(isinstance(count, int) for count in counts) and all(isinstance(n, (int, type(None))) for n in numbers)


def write_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping, mark: Mark) -> None:
    """Replace the mark, inside the transaction of the refresh."""
    name = qualified(mapping.schema, MARK_TABLE)
    written = {kept: _rows_of(con, mapping, kept) for kept in _WRITTEN}
    con.execute(table(MARK_TABLE).for_schema(mapping.schema))
    con.execute(
        f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [*astuple(mark)[:-1], json.dumps(written)],
    )


def lost_rows(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, mark: Mark, tables: Sequence[str] = _WRITTEN
) -> str | None:
    """What is missing of the tables that the last refresh wrote, in words; None if nothing is.

    Args:
        con: A connection that can read the tables.
        mapping: Whose tables they are.
        mark: What the last refresh noted.
        tables: The tables to look at.
    """
    for name, n_written in json.loads(mark.written or "{}").items():
        if name not in tables:
            continue
        n_rows = _rows_of(con, mapping, name)
        if n_rows is None:
            return f"{name} is gone, in which the last refresh wrote {n_written:,} rows"
        if n_rows != n_written:
            return f"{name} has {n_rows:,} rows, the last refresh left {n_written:,} in it"
    return None


def forget_in_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping, erased: Dict[str, int]) -> None:
    """Note that rows of a user were erased, by table.

    The mark of an append-only table is dropped: new rows alone would not show who is missing.
    """
    mark = read_mark(con, mapping)
    if mark is None:
        return
    name = qualified(mapping.schema, MARK_TABLE)
    if mapping.append_only:
        con.execute(f"DROP TABLE {name}")
    elif mark.written is not None:
        left = {kept: rows - erased.get(kept, 0) for kept, rows in json.loads(mark.written).items()}
        con.execute(f"UPDATE {name} SET written = ?", [json.dumps(left)])


def _rows_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> int | None:
    """Rows of one of the mapping's tables; None if there is no such table."""
    if not is_table(con, mapping.schema, name):
        return None
    counted = one(con, f"SELECT count(*) FROM {qualified(mapping.schema, name)}")
    return int(counted[0]) if counted else 0


def _has_rowid(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether the engine numbers the rows: the relation is a base table without a column named rowid."""
    query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
    names = con.execute(query).fetchall()
    if not any(qualified(*name) == mapping.relation for name in names):
        return False
    return "rowid" not in (name.lower() for name in columns_of(con, mapping.relation))


def sample_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, last_row: int | None) -> int | None:
    """A hash over some rows up to last_row: it differs if the table was filled again, even with as many rows."""
    if last_row is None:
        return None
    ends = (last_row * i // (_RUNS - 1) for i in range(_RUNS))
    runs = " OR ".join(f"rowid BETWEEN {end - _RUN} AND {end}" for end in ends)
    names = ", ".join(identifier(name) for name in mapping.read_columns)
    row = one(con, f"SELECT bit_xor(hash({names})) FROM {mapping.relation} WHERE {runs}")
    return int(row[0]) if row and row[0] is not None else None


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Names of the columns of a relation."""
    return con.sql(f"SELECT * FROM {relation}").columns
