"""CSV for mail tools and spreadsheets, in which no text becomes a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

import duckdb

from sqlscore.errors import PublishError
from sqlscore.files import in_place_of, refuse_databases
from sqlscore.publishing.report import PublishedTable
from sqlscore.publishing.tables import Source, checksum
from sqlscore.quoting import identifier

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Text that begins so is run by spreadsheets, in wide forms too (owasp.org/www-community/attacks/CSV_Injection)."""


def safe_cell(value: Any) -> Any:
    """A value as a cell: text that a spreadsheet would run gets an apostrophe before it, lists become text.

    Numbers stay as they are. White space before a formula does not hide it, since some programs cut it off.
    """
    if isinstance(value, (list, tuple)):
        value = "; ".join("" if each is None else str(each) for each in value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def write_mail_list(columns: Sequence[str], rows: Iterable[Sequence[Any]], file: TextIO) -> int:
    """Write a header and rows as RFC 4180 has them, all text in quotes; returns the number of rows.

    Args:
        columns: the names of the columns.
        rows: their values.
        file: opened for text with newline="".
    """
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in columns])
    written = 0
    for row in rows:
        writer.writerow(["" if value is None else safe_cell(value) for value in row])
        written += 1
    return written


def to_mail_list(reader: duckdb.DuckDBPyConnection, path: Path, sources: Sequence[Source]) -> dict[str, PublishedTable]:
    """Write one table as a CSV file, whole or not at all. Raises PublishError for more than one table.

    Args:
        reader: a connection that sees one moment.
        path: the file, which is replaced.
        sources: the table.
    """
    if len(sources) != 1:
        raise PublishError("a CSV file holds one table: name one (--tables contacts), or publish to a folder")
    (source,) = sources
    refuse_databases(reader, path)
    columns = [name for name, _ in source.columns]
    hashed = checksum(reader, source.relation, [identifier(name) for name in columns])
    rows = reader.execute(f"FROM {source.relation} ORDER BY ALL")
    with in_place_of(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        written = write_mail_list(columns, iter(rows.fetchone, None), file)
    return {source.name: PublishedTable(written, hashed[1], written)}
