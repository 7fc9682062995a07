"""The command `vacuum`: throw away what is old, and shrink the file."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, locks_explained


def vacuum(
    db: Database,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="SPAN", help="Such as '400 days'; stored in the file.")
    ] = None,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Also copy the file without its holes, and put the copy in its place.")
    ] = False,
    json: Json = False,
) -> None:
    """Delete old runs, past scores and interventions, and give room back.

    Example: sqlscore vacuum shop.duckdb --keep '180 days' --rewrite
    """
    from sqlscore import vacuum as verb

    with locks_explained(db):
        report = verb(db, keep=keep, rewrite=rewrite)
    gone = ", ".join(f"{count:,} rows of {name}" for name, count in report.removed.items() if count) or "nothing"
    size = f"{report.bytes_before / 1e6:.1f} MB before, {report.bytes_after / 1e6:.1f} MB now"
    render.done(report.to_dict(), f"{gone} from longer ago than {report.keep}; {size}", json)
