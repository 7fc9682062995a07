"""Query results as text: DuckDB's own box, CSV, JSON, or a Parquet file."""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sqlscore.errors import OutputError

if TYPE_CHECKING:
    import duckdb

SHOWN = ("table", "line")
"""Formats for reading on the screen: every result, not only the last one."""

FORMATS = (*SHOWN, "csv", "json", "parquet")
DEFAULT_ROWS = 40
_FETCH = 10_000
_UNBOUNDED = 100_000
_HELD = "temp.main.sqlscore_result"
_PARQUET_ON_TERMINAL = "Parquet is not text: name a file with --output FILE, or pipe stdout into one"


def statements(con: duckdb.DuckDBPyConnection, text: str) -> Iterator[tuple[duckdb.DuckDBPyRelation | None, bool]]:
    """Run the statements of `text` one by one; yield (what it returns or None, whether it is a plan)."""
    import duckdb

    for statement in con.extract_statements(text):
        relation = con.sql(statement.query)
        kinds = statement.expected_result_type
        rows = duckdb.ExpectedResultType.QUERY_RESULT in kinds and relation.columns not in (["Count"], ["Success"])
        yield (relation if rows else None), statement.type == duckdb.StatementType.EXPLAIN


def run(
    con: duckdb.DuckDBPyConnection,
    text: str,
    format_: str = "table",
    output: Path | None = None,
    rows: int = DEFAULT_ROWS,
) -> None:
    """Run `text` and write what it returns to `output`, or to stdout.

    A table, or lines, are shown for every statement that returns rows; other formats hold the last such result alone.
    Raises OutputError if Parquet would go to a terminal, or if a file is wanted and no statement returns rows.
    """
    if format_ == "parquet" and output is None and sys.stdout.isatty():
        raise OutputError(_PARQUET_ON_TERMINAL)
    if output is not None:
        from sqlscore.files import refuse_databases

        if format_ in SHOWN:
            raise OutputError(f"a {format_} is for reading on the screen: --output needs --format csv, json or parquet")
        refuse_databases(con, output)
    last: duckdb.DuckDBPyRelation | None = None
    for relation, is_plan in statements(con, text):
        if relation is None:
            continue
        last = relation
        if format_ in SHOWN:
            show(relation, is_plan, rows, format_)
    if format_ in SHOWN:
        return
    if last is None:
        if output is not None or format_ == "parquet":
            raise OutputError("no statement returned rows, so there is nothing to write: end with a SELECT")
        return
    write(last, format_, output)


def show(relation: duckdb.DuckDBPyRelation, is_plan: bool, rows: int, format_: str = "table") -> None:
    """DuckDB's box, as wide as the terminal, and into a pipe as wide as it needs; or a line for each value."""
    if is_plan:
        for _, plan in relation.fetchall():
            sys.stdout.write(plan + "\n")
        return
    if format_ == "line":
        _show_lines(relation, rows)
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBOUNDED
    limit = width if sys.stdout.isatty() else _UNBOUNDED
    relation.show(max_rows=rows, max_width=width, max_col_width=limit)
    sys.stdout.flush()  # one statement's result is there before the next one runs


def _show_lines(relation: duckdb.DuckDBPyRelation, rows: int) -> None:
    """Each row as lines `column = value`, whole, with an empty line between rows; NULL is written as such."""
    width = max(map(len, relation.columns))
    for shown, row in enumerate(_rows(relation, f"SELECT columns(*)::VARCHAR FROM result LIMIT {rows + 1}")):
        if shown == rows:
            sys.stdout.write(f"\n(the first {rows} rows; --rows shows more)\n")
            break
        sys.stdout.write("\n" if shown else "")
        for name, value in zip(relation.columns, row, strict=True):
            sys.stdout.write(f"{name:>{width}} = {'NULL' if value is None else value}\n")
    sys.stdout.flush()


def write(relation: duckdb.DuckDBPyRelation, format_: str, output: Path | None) -> None:
    """The whole result in one of FORMATS to a file, or to stdout."""
    if output is None:
        if format_ == "parquet":
            _write_parquet(relation)
        else:
            _WRITERS[format_](relation, sys.stdout)
        return
    from sqlscore.files import in_place_of

    with in_place_of(output) as path:
        if format_ == "parquet":
            _to_parquet(relation, path)
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            _WRITERS[format_](relation, file)


def _write_csv(relation: duckdb.DuckDBPyRelation, file: TextIO) -> None:
    """RFC 4180 with a header; NULL is an empty field, nested values are DuckDB's text for them."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(relation.columns)
    writer.writerows(_rows(relation, "SELECT columns(*)::VARCHAR FROM result"))


def _write_json(relation: duckdb.DuckDBPyRelation, file: TextIO) -> None:
    """One array with an object a row, a row a line; NaN and infinities, which JSON lacks, are null."""
    from sqlscore.quoting import identifier

    numbers = [
        f"CASE WHEN isfinite({name}) THEN {name} END AS {name}"
        for name, kind in zip(map(identifier, relation.columns), relation.types, strict=True)
        if str(kind) in ("FLOAT", "DOUBLE")
    ]
    replace = f" REPLACE ({', '.join(numbers)})" if numbers else ""
    query = f"WITH finite AS (SELECT *{replace} FROM result) SELECT to_json(finite)::VARCHAR FROM finite"
    separator = "["
    for (line,) in _rows(relation, query):
        file.write(f"{separator}\n{line}")
        separator = ","
    file.write("[]\n" if separator == "[" else "\n]\n")


def _write_parquet(relation: duckdb.DuckDBPyRelation) -> None:
    with tempfile.TemporaryDirectory() as folder:  # the engine seeks in the file, which a pipe does not allow
        path = Path(folder, "result.parquet")
        _to_parquet(relation, path)
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)


def _to_parquet(relation: duckdb.DuckDBPyRelation, path: Path) -> None:
    """By way of a temporary table: a COPY to Parquet whose query fails in the middle may wait forever in DuckDB 2.0."""
    from sqlscore.quoting import literal

    relation.query("result", f"CREATE OR REPLACE TEMP TABLE {_HELD} AS FROM result")
    try:
        relation.query("result", f"COPY {_HELD} TO {literal(str(path))} (FORMAT parquet)")
    finally:
        relation.query("result", f"DROP TABLE {_HELD}")


def _rows(relation: duckdb.DuckDBPyRelation, query: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query over `result`, a batch at a time."""
    reshaped = relation.query("result", query)
    return reshaped.iter_rows(_FETCH) if reshaped is not None else iter(())


_WRITERS = {"csv": _write_csv, "json": _write_json}
