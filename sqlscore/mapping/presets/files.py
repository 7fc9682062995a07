"""Files of an export: their kind, their first line, and what to say of those that cannot be read."""

from __future__ import annotations

import csv
import glob
from collections.abc import Sequence
from pathlib import Path

import duckdb

from sqlscore.database.queries import one
from sqlscore.errors import MappingError
from sqlscore.quoting import literal

PACKED = (".gz", ".zst")
KINDS = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
}
_DELIMITERS = "\t,;|"


def kind_of_file(path: str) -> str | None:
    """How a file is read, by the ending of its name: csv, json or parquet; None if not at all."""
    suffixes = [suffix.casefold() for suffix in Path(path.partition("?")[0]).suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return KINDS.get(suffixes[-1]) if suffixes else None


def files_of(path: str) -> list[str]:
    """The files that a path or a glob means, in the order of their names."""
    return sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern


def first_line(con: duckdb.DuckDBPyConnection, path: str) -> str | None:
    """The first line of a file; None if it has none. Raises MappingError if it cannot be read."""
    try:
        return next(iter(_lines(con, literal(path))), None)
    except duckdb.Error as error:
        raise unreadable(path, error) from error


def _lines(con: duckdb.DuckDBPyConnection, files: str) -> list[str]:
    """The first line of a file, if it has one."""
    text = (
        f"read_csv({files}, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', "
        "columns = {line: 'VARCHAR'}, strict_mode = false)"
    )
    row = one(con, f"SELECT line FROM {text} LIMIT 1")
    return [str(row[0])] if row and row[0] else []


def delimiter_of(con: duckdb.DuckDBPyConnection, files: str, what: str) -> str:
    """What parts the columns of the header."""
    try:
        lines = _lines(con, files)
    except duckdb.Error as error:
        raise unreadable(what, error) from error
    if not lines:
        raise MappingError(f'"{what}" is empty: export it again')
    return max(_DELIMITERS, key=lines[0].count)


def explained(con: duckdb.DuckDBPyConnection, what: str, paths: Sequence[str], error: duckdb.Error) -> MappingError:
    """The error with the line of the file where it is, which the engine tells only if it need not guess a dialect."""
    for path in paths if "sniffing" in str(error) else ():
        for file in [path] if "://" in path else files_of(path):
            if kind_of_file(file) != "csv":
                continue
            try:
                lines = _lines(con, literal(file))
                if not lines:
                    return MappingError(f'"{file}" is empty: export it again')
                mark = max(_DELIMITERS, key=lines[0].count)
                names = next(csv.reader(lines, delimiter=mark))
                columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
                con.execute(
                    f"SELECT count(*) FROM read_csv({literal(file)}, auto_detect = false, header = true, "
                    f"delim = {literal(mark)}, quote = '\"', escape = '\"', columns = {{{columns}}})"
                )
            except duckdb.Error as better:
                return unreadable(file, better)
    return unreadable(what, error)


def unreadable(what: str, error: duckdb.Error) -> MappingError:
    """What to say of a file that ends too early or holds what it should not."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = "; ".join(said[: next((n for n, line in enumerate(said) if _advice(line)), 4)])
    return MappingError(
        f"{what} cannot be read to its end: {told}; a file that was cut off must be exported or copied again, or "
        "left out"
    )


def _advice(line: str) -> bool:
    """Whether the engine goes on with what could be set, which is no remedy here."""
    return line.startswith(("Possible", "Try setting", "The search space", "* "))
