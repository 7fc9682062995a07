"""`sqlscore sql`: SQL with the scoring functions in place, from an argument, a pipe or a prompt."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sqlscore.cli.options import Database, Device, open_database
from sqlscore.cli.results import DEFAULT_ROWS, FORMATS, SHOWN, run


class SqlCommand(TyperCommand):
    """A command whose SQL may begin with a comment, though that looks like an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put what begins with two dashes, holds a space and sets no option behind the mark that ends the options."""
        comments = [arg for arg in args if re.match(r"--(?![\w-]+=)\S*\s", arg)]
        if comments and "--" not in args:
            args = [*(arg for arg in args if arg not in comments), "--", *comments]
        return super().parse_args(ctx, args)


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(FORMATS)}")
    return name


def sql(
    db: Database,
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL",
            help="One or more statements; - reads them from stdin; none opens a prompt.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", callback=_known_format, help="table, line, csv, json or parquet.")
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the result to this file.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="The most rows that a table shows.")] = DEFAULT_ROWS,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Open the file for reading, beside other readers.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Run SQL with the scoring functions, or open a prompt.

    Example: sqlscore sql shop.duckdb "SELECT user_id, churn_risk(e) FROM events e GROUP BY user_id" --format csv
    """
    interactive = query is None and sys.stdin.isatty()
    if interactive and (output is not None or format_ not in SHOWN):
        raise typer.BadParameter(
            "a prompt shows tables or lines: give the SQL as an argument to use --format or --output"
        )
    with open_database(db, read_only=read_only, device=device, any_sql=True) as con:
        # The engine draws its bar on stdout, among the results: for people only.
        con.execute(f"SET enable_progress_bar = {sys.stdout.isatty()}")
        if interactive:
            from sqlscore.cli.prompt import interact

            interact(con, rows, format_=format_)
        else:
            from sqlscore.cli.interrupt import interruptible

            text = sys.stdin.read() if query in (None, "-") else str(query)
            interruptible(con, lambda: run(con, text, format_, output, rows))
