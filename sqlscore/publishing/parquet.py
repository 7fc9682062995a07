"""The Parquet route: a folder with one folder a table, written beside the old one, which it then replaces at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from sqlscore.database.queries import one
from sqlscore.database.transactions import now
from sqlscore.errors import PublishError
from sqlscore.files import flush
from sqlscore.publishing.exchange import exchange
from sqlscore.publishing.leftovers import writing_beside
from sqlscore.publishing.report import PublishedTable
from sqlscore.publishing.tables import PUBLICATIONS, Source, provenance, same
from sqlscore.quoting import identifier, literal

NOTES = f"_{PUBLICATIONS}.json"
"""What was published when; readers of Parquet skip names that begin with an underscore."""

_CAST = {
    "hugeint": "DECIMAL(38, 0)",
    "uhugeint": "VARCHAR",
    "bignum": "VARCHAR",
    "bit": "VARCHAR",
    "time with time zone": "VARCHAR",
    "interval": "VARCHAR",
    "enum": "VARCHAR",
    "null": "VARCHAR",
}
"""Kinds that Parquet has no exact type for, and what they become."""


def to_parquet(
    reader: duckdb.DuckDBPyConnection, folder: Path, sources: Sequence[Source], partition_by: tuple[str, ...]
) -> dict[str, PublishedTable]:
    """Write FOLDER/TABLE/*.parquet. Open old files stay readable; a listing shows old files or new ones.

    File names are never used twice, so that a reader between listing and opening finds no file, rather than rows of
    another moment.

    Args:
        reader: a connection that sees one moment.
        folder: the target, which is replaced as a whole.
        sources: the tables.
        partition_by: columns by which the files of the tables that have them are cut into hive folders.

    Raises PublishError if the folder holds files that no publication made, or if no table has a column of
    `partition_by`.
    """
    folder = folder.resolve()
    if not folder.parent.is_dir():
        raise PublishError(f"there is no folder {folder.parent} to put {folder.name} in: make it first")
    if folder.exists() and any(folder.iterdir()) and not (folder / NOTES).exists():
        raise PublishError(f"{folder} holds files that sqlscore did not publish: publish to a folder of its own")
    for name in partition_by:
        if not any(name == column for source in sources for column, _ in source.columns):
            raise PublishError(f'no published table has a column "{name}" to partition by: leave it out')
    version = uuid4().hex[:8]
    beside = folder.with_name(f".{folder.name}.{version}.new")
    try:
        with writing_beside(folder, beside):
            beside.mkdir()
            published, notes = {}, {}
            for source in sources:
                published[source.name] = _write(reader, beside / source.name, source, partition_by, version)
                notes[source.name] = _note(reader, source, published[source.name])
            (beside / NOTES).write_text(json.dumps(notes, indent=2), encoding="utf-8")
            exchange(beside, folder)
    except duckdb.Error as error:
        raise PublishError(f"the folder {folder} could not be written: {error}; nothing was replaced") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return published


def _write(
    reader: duckdb.DuckDBPyConnection, folder: Path, source: Source, partition_by: tuple[str, ...], version: str
) -> PublishedTable:
    """Write and compare one table."""
    if folder.name != source.name or source.name in (".", ".."):
        raise PublishError(f'"{source.name}" cannot be the name of a folder: publish it through a view')
    folder.mkdir()
    names = [identifier(name) for name, _ in source.columns]
    _refuse_what_it_lacks(reader, source)
    values = [
        f"CAST({name} AS {_CAST[str(kind.id)]}) AS {name}" if kind.id in _CAST else name
        for name, (_, kind) in zip(names, source.columns, strict=True)
    ]
    written = replace(source, relation=f"(SELECT {', '.join(values)} FROM {source.relation})")
    cut = [name for name in map(identifier, partition_by) if name in names]
    if len(cut) == len(names) or not one(reader, f"SELECT 1 FROM {source.relation} LIMIT 1"):
        cut = []  # nothing would be left in the files, or no file would be made
    options = ["FORMAT PARQUET", f"KV_METADATA {_metadata(source)}"]
    path = folder / f"part-{version}-0.parquet"
    if cut:
        path = folder
        options += [f"PARTITION_BY ({', '.join(cut)})", f"FILENAME_PATTERN {literal(f'part-{version}-{{i}}')}"]
    reader.execute(f"COPY {written.relation} TO {literal(str(path))} ({', '.join(options)})")
    files = sorted(folder.rglob("*.parquet"))
    for file in files:
        flush(file)
    types = reader.sql(f"SELECT * FROM {written.relation} LIMIT 0").types
    back = [f"CAST({name} AS {kind})" for name, kind in zip(names, types, strict=True)]
    listed = ", ".join(literal(str(file)) for file in files)
    arrived = f"read_parquet([{listed}], hive_partitioning = {str(bool(cut)).lower()}, hive_types_autocast = false)"
    rows, digest = same(reader, written, arrived, names, back)
    return PublishedTable(rows, digest, rows)


def _refuse_what_it_lacks(reader: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Raise PublishError for values that Parquet has no place for.

    An infinite time would be a date some 290,000 years away, and whole numbers end after 38 digits.
    """
    for name, kind in source.columns:
        if kind.id == "hugeint":
            column = identifier(name)
            longer = f"{column} IS NOT NULL AND TRY_CAST({column} AS DECIMAL(38, 0)) IS NULL"
            counted = one(reader, f"SELECT count(*), min({column}) FROM {source.relation} WHERE {longer}")
            if counted and counted[0]:
                raise PublishError(
                    f'column "{name}" of {source.name} has {counted[0]:,} numbers of 39 digits, such as {counted[1]}, '
                    "and whole numbers in Parquet have 38: publish a view in which they are text"
                )
        if str(kind.id).startswith("timestamp") or kind.id == "date":
            column = identifier(name)
            counted = one(reader, f"SELECT count(*) FROM {source.relation} WHERE NOT isfinite({column})")
            if counted and counted[0]:
                raise PublishError(
                    f'column "{name}" of {source.name} has {counted[0]:,} infinite times, which Parquet cannot hold: '
                    "replace them in a view, and publish the view"
                )


def _metadata(source: Source) -> str:
    """The comments as the file's key-value metadata: `comment`, and `comment.COLUMN`."""
    comments = {"comment": source.comment or "", **{f"comment.{name}": text for name, text in source.comments.items()}}
    return "{" + ", ".join(f"{literal(key)}: {literal(text)}" for key, text in comments.items()) + "}"


def _note(reader: duckdb.DuckDBPyConnection, source: Source, table: PublishedTable) -> dict[str, Any]:
    """What the notes say of one table."""
    written = {"published_at": now().isoformat(), "published_by": version("sqlscore")}
    facts = {"n_rows": table.rows, "checksum": table.checksum, **asdict(provenance(reader, source)), **written}
    return {**facts, "comment": source.comment}
