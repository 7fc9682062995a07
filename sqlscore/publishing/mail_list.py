"""CSV for mail tools and spreadsheets, in which no text becomes a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

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
