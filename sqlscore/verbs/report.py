"""The verb `report`: a page to send around, about the scores of one mapping."""

from __future__ import annotations

import shlex
from pathlib import Path

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.transactions import now, on_own_connection
from sqlscore.errors import OutputError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.files import flush, in_place_of, refuse_databases
from sqlscore.verbs.status import status

_HTML, _MARKDOWN = (".html", ".htm"), (".md", ".markdown")


@on_own_connection
def report(con: duckdb.DuckDBPyConnection, path: str | Path, *, mapping: str = DEFAULT_MAPPING) -> Path:
    """Write a page about the scores, to send around, and return its path. It holds counts and figures, no user's id.

    The verdict on the champion in words, its figures beside baselines, calibration, thresholds, segments, what precedes
    churn, problems, guards, and where all of it comes from. An HTML file holds all that it shows and runs nothing.

    Args:
        con: a connection that `connect` made; reading is enough.
        path: the file to write, .html or .md.
        mapping: the name of the mapping.

    Raises OutputError if the file has another suffix, is a database or cannot be written; MappingError if there is no
    such mapping. The file is written whole or not at all.

    Examples:
        >>> sqlscore.report(con, "report.html")
    """
    file = report_file(path)
    refuse_databases(con, file)
    text = _text(con, mapping, markdown=file.suffix.casefold() in _MARKDOWN)
    with in_place_of(file) as partial:
        try:
            partial.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}") from error
        if partial != file:
            flush(partial)
    return file


def report_file(path: str | Path) -> Path:
    """The file that a report goes to. Raises OutputError for another kind of file, or if its folder does not exist."""
    file = Path(path)
    if file.suffix.casefold() not in _HTML + _MARKDOWN:
        raise OutputError(f'a report is written as .html or .md, and "{path}" ends in neither')
    if not file.parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {file.parent}")
    return file


def _text(con: duckdb.DuckDBPyConnection, mapping: str, *, markdown: bool) -> str:
    from sqlscore.reporting.page.contents import Standing, contents
    from sqlscore.reporting.page.html import as_html
    from sqlscore.reporting.page.markdown import as_markdown

    schema = mapped(con, mapping, read=False).schema
    found = status(con)
    mine = next(state for state in found.mappings if state.name == mapping)
    options = () if mapping == DEFAULT_MAPPING else ("--mapping", mapping)
    standing = Standing(
        database=found.database,
        mapping=mapping,
        schema=schema,
        made_of=mine.made_of,
        n_events=mine.n_events,
        n_users=mine.n_users,
        high_water=mine.high_water,
        problems=tuple((problem.what, problem.command) for problem in found.problems),
        versions=found.versions,
        train=shlex.join(("sqlscore", "train", found.database, *options)),
        refresh=shlex.join(("sqlscore", "refresh", found.database, *options)),
    )
    return (as_markdown if markdown else as_html)(contents(con, standing, now()))
