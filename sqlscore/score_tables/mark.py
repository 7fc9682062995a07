"""The mark: what the last refresh had read, for the next one to compare with."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields

import duckdb

from sqlscore.database.materialized import MATERIALIZED, is_table
from sqlscore.database.queries import one
from sqlscore.database.triggers import scores_inserts, tables_to_watch, watch_key
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import identifier, qualified
from sqlscore.score_tables.checksums import ENGINE, Sums, checksums, engine
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
    checksums: str | None = None  # checksum by table, and the engine's version, as JSON
    watched: str | None = None  # the key of the triggers that note changes, and rows by table of events, as JSON

    @property
    def scored(self) -> bool:
        """Whether triggers change `scored_users` between refreshes."""
        return bool(json.loads(self.watched or "{}").get("scored", False))


def mark_now(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str, sha256: str) -> Mark:
    """The mark for the events in the snapshot of this connection."""
    n_rows, last_row, sample = None, None, None
    if mapping.append_only and not mapping.event_id and has_rowid(con, mapping):
        n_rows = (one(con, f"SELECT count(*) FROM {mapping.relation}") or (0,))[0]
        # The last of n rows has a number of n - 1 at least: the engine skips what lies before.
        last = one(con, f"SELECT max(rowid) FROM {mapping.relation} WHERE rowid >= ?", [n_rows - 1])
        last_row = last[0] if last is not None else None
        sample = sample_of(con, mapping, last_row)
    names = ", ".join(identifier(name) for name in mapping.read_columns)
    types = ", ".join(map(str, con.sql(f"SELECT {names} FROM {mapping.relation}").types))
    return Mark(model, sha256, mapping.to_json(), n_rows, last_row, types, sample, watched=_watched(con, mapping))


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
        written, sums = json.loads(mark.written or "{}"), json.loads(mark.checksums or "{}")
        watched = json.loads(mark.watched or "{}")
    except (TypeError, ValueError):
        return False
    if not all(isinstance(noted, dict) for noted in (written, sums, watched)):
        return False
    if not isinstance(watched.get("rows", {}), dict):
        return False
    counts = (*written.values(), *(value for key, value in sums.items() if key != ENGINE))
    numbers = (mark.n_rows, mark.last_row, mark.sample)
    return all(isinstance(count, int) for count in counts) and all(isinstance(n, (int, type(None))) for n in numbers)


def write_mark(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    mark: Mark,
    before: Mark | None = None,
    replaced: Sums | None = None,
) -> None:
    """Replace the mark, inside the transaction of the refresh.

    Args:
        con: A connection in a transaction.
        mapping: Whose tables were refreshed.
        mark: What the refresh had read.
        before: The mark of the refresh before.
        replaced: Checksums of the rows that were taken out and put in since then, where all others stayed; what has
            none here is read and summed anew, and so is everything if this is None.
    """
    name = qualified(mapping.schema, MARK_TABLE)
    written = {kept: _rows_of(con, mapping, kept) for kept in _WRITTEN}
    noted = _sums_in(con, before) if before is not None and replaced is not None else {}
    known = {key: noted[key] ^ value for key, value in (replaced or {}).items() if key in noted}
    sums: dict[str, str | int] = {ENGINE: engine(con)}
    for kept in _WRITTEN:
        if kept != "scored_users" or not mark.scored:  # which triggers change
            sums |= checksums(con, mapping, kept, known=known)
    con.execute(table(MARK_TABLE).for_schema(mapping.schema))
    whole = asdict(mark) | {"written": json.dumps(written), "checksums": json.dumps(sums)}
    columns, places = ", ".join(whole), ", ".join("?" for _ in whole)
    con.execute(f"INSERT INTO {name} ({columns}) VALUES ({places})", list(whole.values()))


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
        n_rows = _rows_of(con, mapping, name, only_states=name == "scored_users" and mark.scored)
        if n_rows is None:
            return f"{name} is gone, in which the last refresh wrote {n_written:,} rows"
        if n_rows != n_written:
            return f"{name} has {n_rows:,} rows, the last refresh left {n_written:,} in it"
    return None


def edited_rows(con: duckdb.DuckDBPyConnection, mapping: Mapping, mark: Mark) -> str | None:
    """Which table has other figures than the last refresh left in it, in words; None if none has. It reads them all.

    Args:
        con: A connection that can read the tables, none of which is gone.
        mapping: Whose tables they are.
        mark: What the last refresh noted; nothing is compared if it was another version of the engine that did.
    """
    noted = _sums_in(con, mark)
    edited = [
        name
        for name in _WRITTEN
        if noted and any(noted.get(key, value) != value for key, value in checksums(con, mapping, name).items())
    ]
    return f"somebody changed figures in {' and '.join(edited)} since the last refresh" if edited else None


def _sums_in(con: duckdb.DuckDBPyConnection, mark: Mark) -> Sums:
    """The checksums in a mark; none if another version of the engine made them."""
    sums = json.loads(mark.checksums or "{}")
    return {key: value for key, value in sums.items() if key != ENGINE} if sums.get(ENGINE) == engine(con) else {}


def forget_in_mark(con: duckdb.DuckDBPyConnection, mapping: Mapping, erased: Dict[str, int], sums: Sums) -> None:
    """Note that rows of a user were erased, inside the caller's transaction.

    The mark of an append-only table is dropped: new rows alone would not show who is missing.

    Args:
        con: A connection in a transaction.
        mapping: Whose user it was.
        erased: The number of rows by table.
        sums: The checksums of these rows.
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
        if mark.checksums is not None:
            noted = json.loads(mark.checksums)
            noted |= {key: noted[key] ^ value for key, value in sums.items() if key in noted}
            con.execute(f"UPDATE {name} SET checksums = ?", [json.dumps(noted)])


def _rows_of(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str, only_states: bool = False) -> int | None:
    """Rows of one of the mapping's tables, or of those of users with a stored state; None if there is no such table."""
    if not is_table(con, mapping.schema, name):
        return None
    known = f" SEMI JOIN {qualified(mapping.schema, STATES_TABLE)} USING (user_id)" if only_states else ""
    counted = one(con, f"SELECT count(*) FROM {qualified(mapping.schema, name)}{known}")
    return int(counted[0]) if counted else 0


def _watched(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """`Mark.watched` for the events in the snapshot of this connection."""
    key = watch_key(con, mapping)
    if key is None:
        return None
    relations = [events.relation for events in tables_to_watch(con, mapping)]
    counted = {relation: (one(con, f"SELECT count(*) FROM {relation}") or (0,))[0] for relation in relations}
    return json.dumps({"key": key, "rows": counted, "scored": scores_inserts(con, mapping)})


def has_rowid(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> bool:
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


def note_scoring(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Note that triggers change `scored_users` from now on, inside the caller's transaction."""
    if is_table(con, mapping.schema, MARK_TABLE):
        watched = json.dumps({"key": "", "rows": {}, "scored": True})
        con.execute(f"UPDATE {qualified(mapping.schema, MARK_TABLE)} SET watched = ?, checksums = NULL", [watched])
