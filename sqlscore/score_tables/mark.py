"""How far the last refresh had read: the mark that the next one compares with."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sqlscore.database.objects import is_table
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, literal, qualified

TABLE = "sqlscore_changes"


STATES = "user_states"


_RUNS, _RUN = 4, 16  # runs of rows by which a table is known again: the engine skips to them, not to single rows
MARK = "refreshed"


_COMMENTS = {
    "model": "The champion that scored.",
    "sha256": "The hash of its artifact.",
    "mapping": "The mapping as it was.",
    "n_rows": "Rows of an append-only table.",
    "last_row": "Number of its last row.",
    "types": "Types of the mapped columns.",
    "sample": "Hashes of some of its rows, added up bit by bit.",
}


@dataclass(frozen=True)
class Mark:
    """Where a refresh stood. Row numbers are set for append-only base tables alone."""

    model: str
    sha256: str
    mapping: str  # as JSON
    n_rows: int | None
    last_row: int | None
    types: str | None = None  # None in a mark of an older sqlscore
    sample: int | None = None


def mark_now(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str, sha256: str) -> Mark:
    """Where the events stand in this snapshot."""
    n_rows, last_row, sample = None, None, None
    if mapping.append_only and _has_rowid(con, mapping):
        n_rows, last_row = one(con, f"SELECT count(*), max(rowid) FROM {mapping.relation}") or (0, None)
        sample = sample_of(con, mapping, last_row)
    names = ", ".join(identifier(name) for name in mapping.columns)
    types = ", ".join(map(str, con.sql(f"SELECT {names} FROM {mapping.relation}").types))
    return Mark(model, sha256, mapping.to_json(), n_rows, last_row, types, sample)


def read_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Mark | None:
    """Where the last refresh stood, None where there was none."""
    if not is_table(con, mapping.schema, MARK, STATES):
        return None
    name = qualified(mapping.schema, MARK)
    row = one(con, f"FROM {name}")
    return Mark(**dict(zip(columns_of(con, name), row, strict=True))) if row else None


def write_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping, mark: Mark) -> None:
    """Note where this refresh stands, inside its transaction."""
    name = qualified(mapping.schema, MARK)
    con.execute(
        f"CREATE OR REPLACE TABLE {name} (model VARCHAR, sha256 VARCHAR, mapping JSON, n_rows BIGINT, last_row BIGINT, "
        "types VARCHAR, sample UBIGINT)"
    )
    con.execute(f"COMMENT ON TABLE {name} IS 'Where the last refresh stood: what an incremental one goes on from'")
    for column, comment in _COMMENTS.items():
        con.execute(f"COMMENT ON COLUMN {name}.{column} IS {literal(comment)}")
    con.execute(
        f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?)",
        [mark.model, mark.sha256, mark.mapping, mark.n_rows, mark.last_row, mark.types, mark.sample],
    )


def forget_in_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """A user's state is gone though no event may have changed: an append-only table would not show who is missing."""
    if mapping.append_only and is_table(con, mapping.schema, MARK):
        con.execute(f"DROP TABLE {qualified(mapping.schema, MARK)}")


def _has_rowid(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
    """Whether rows are numbered by the engine: a base table without a column of that name."""
    query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
    tables = con.execute(query).fetchall()
    if not any(qualified(*table) == mapping.relation for table in tables):
        return False
    return "rowid" not in (name.lower() for name in columns_of(con, mapping.relation))


def sample_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, last_row: int | None) -> int | None:
    """What some rows up to a row say: a table that was filled anew has others, however many they are."""
    if last_row is None:
        return None
    ends = (last_row * i // (_RUNS - 1) for i in range(_RUNS))
    runs = " OR ".join(f"rowid BETWEEN {end - _RUN} AND {end}" for end in ends)
    names = ", ".join(identifier(name) for name in mapping.columns)
    row = one(con, f"SELECT bit_xor(hash({names})) FROM {mapping.relation} WHERE {runs}")
    return int(row[0]) if row and row[0] is not None else None


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Names of the columns of a relation."""
    return con.sql(f"SELECT * FROM {relation}").columns
