"""Downloads of a whole selection as a stream: CSV or Parquet, written while it is read, never whole in memory.

A link holds a random token, which stands for a query that this process knows: neither SQL nor a customer's id is in it.

Rows come in the order of the customers' ids. To order all of them at once, the engine would hold all of them; so the
ids are cut into ranges, by a sample of them, and each range is ordered for itself.
"""

from __future__ import annotations

import io
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from sqlscore.webapp.selection import Sql, bound

if TYPE_CHECKING:
    import duckdb

    from sqlscore.webapp.opening import Database

FORMATS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_REMEMBERED = 200  # links of this process that still work
_ROWS = 50_000  # of a batch
_RANGE = 100_000  # rows that are ordered at once, about
_SAMPLED = 40  # ids a range


@dataclass(frozen=True)
class Download:
    """A query with a column user_id, in any order, and what its file is called. form: a key of FORMATS."""

    sql: Sql
    name: str
    form: str

    @property
    def file_name(self) -> str:
        """The name of the file, with its suffix."""
        return f"{self.name}.{self.form}"


@dataclass
class Downloads:
    """The downloads that links of this process stand for, the newest of them."""

    database: Database
    _known: OrderedDict[str, Download] = field(default_factory=OrderedDict)

    def link(self, download: Download) -> str:
        """The path of a link to the file. Asking for the same again gives the same link."""
        for token, known in self._known.items():
            if known == download:
                return f"/download/{token}"
        token = secrets.token_urlsafe(18)
        self._known[token] = download
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return f"/download/{token}"

    def find(self, token: str) -> Download | None:
        """What a token stands for; None if it is unknown or too old."""
        return self._known.get(token)

    def stream(self, download: Download) -> Iterator[bytes]:
        """The bytes of the file, piece by piece."""
        sql, values = bound(*download.sql)
        with self.database.cursor() as con:
            schema = con.sql(f"FROM ({sql}) LIMIT 0", params=values).to_arrow_table().schema
            batches = _ordered(con, sql, values)
            yield from _as_csv(schema, batches) if download.form == "csv" else _as_parquet(schema, batches)


def _ordered(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> Iterator[pa.RecordBatch]:
    """The rows of a query by user_id, one range of ids after the other."""
    ids = f"SELECT user_id FROM ({sql})"
    n = con.execute(f"SELECT count(*) FROM ({ids})", values).fetchall()[0][0]
    ends = []
    if n > 2 * _RANGE:
        size = _SAMPLED * n // _RANGE
        sample = f"SELECT DISTINCT user_id FROM ({ids} USING SAMPLE {size} ROWS) ORDER BY user_id"
        ends = [row[0] for row in con.execute(sample, values).fetchall()][_SAMPLED - 1 :: _SAMPLED]
    for after, until in pairwise([None, *ends, None]):
        conditions = [f"user_id {sign} ?" for sign, end in ((">", after), ("<=", until)) if end is not None]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        within = [end for end in (after, until) if end is not None]
        relation = con.sql(f"FROM ({sql}){where} ORDER BY user_id", params=[*values, *within])
        yield from relation.to_arrow_reader(_ROWS)


def _as_csv(given: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """Lists are written with " < " between their parts, as the last actions are read: the newest first."""
    schema = pa.schema([(field.name, _flat(field.type)) for field in given])
    sink = io.BytesIO()
    with pa.csv.CSVWriter(sink, schema) as writer:
        yield from _taken(sink)
        for batch in batches:
            columns = [_as_text(column) if _is_list(column.type) else column for column in batch.columns]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            yield from _taken(sink)
    yield from _taken(sink)


def _as_parquet(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Positioned()
    with pa.parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield from sink.taken()
    yield from sink.taken()


class _Positioned(io.RawIOBase):
    """A place to write to that forgets what was taken from it, but not how much it was: Parquet notes positions."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: bytes) -> int:  # type: ignore[override]
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        yield from pieces


def _taken(sink: io.BytesIO) -> Iterator[bytes]:
    piece = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    if piece:
        yield piece


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _flat(kind: pa.DataType) -> pa.DataType:
    return pa.string() if _is_list(kind) else kind


def _as_text(column: pa.Array) -> pa.Array:
    joined = [None if part is None else " < ".join(map(str, part)) for part in column.to_pylist()]
    return pa.array(joined, pa.string())
