"""Arguments and options that several commands share, and the connection of a command."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sqlscore.errors import InstallError, SourceWarning

if TYPE_CHECKING:
    import duckdb

Database = Annotated[str, typer.Argument(metavar="DB", help="The DuckDB file.", show_default=False)]
Model = Annotated[str, typer.Argument(metavar="NAME@V", help="A model and its version, e.g. events@2.")]
MappingName = Annotated[str, typer.Option("--mapping", help="The name of the mapping, if there are several.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]
AllowLeak = Annotated[
    list[str] | None,
    typer.Option("--allow-leak", metavar="RULE", help="Let the mapped view break this rule of the linter."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


def open_database(
    path: str, *, create: bool = False, read_only: bool = False, device: str = "auto", any_sql: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection with the functions in place; for `any_sql`, it is said which databases elsewhere cannot be read.

    A verb says so itself, and only if it reads them.

    Raises InstallError for a file that another process holds. Unless `create`, it also does so for a file that does not
    exist: a misspelt name would otherwise become an empty database.
    """
    if not create and path != ":memory:" and not Path(path).exists():
        raise InstallError(
            f"there is no database file {path}: `sqlscore init {shlex.quote(path)} --events ...` makes one from "
            "your events, `sqlscore demo` one from a simulated shop; to prepare events with SQL first, write them to "
            "a file, `sqlscore sql :memory: \"COPY (SELECT ...) TO 'events.parquet'\"`"
        )
    from sqlscore import connect

    with locks_explained(path), warnings.catch_warnings():
        if not any_sql:
            warnings.simplefilter("ignore", SourceWarning)
        return connect(path, read_only=read_only, device=device)


@contextmanager
def locks_explained(path: str) -> Iterator[None]:
    """Raise InstallError, which says who holds the file, in place of the engine's error."""
    import duckdb

    try:
        yield
    except duckdb.IOException as error:
        from sqlscore.serving.lock import explain_lock

        text = explain_lock(error, path)
        if text is None:
            raise
        raise InstallError(text) from error


def listed(text: str) -> list[str]:
    """The names in a text that separates them by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def given(**options: Any) -> dict[str, Any]:
    """The options that are not None."""
    return {name: value for name, value in options.items() if value is not None}
