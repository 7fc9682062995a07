"""The command `app`: the web app over a file."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli.options import Database, Device
from sqlscore.errors import InstallError

PORT = 8501


def webapp(
    db: Database,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where it listens; 0: any free one.")] = PORT,
    device: Device = "auto",
) -> None:
    """Open the file in a web browser: filter customers, simulate, understand, export. On this machine alone.

    Example: sqlscore app shop.duckdb
    """
    if not Path(db).exists():
        raise InstallError(
            f"there is no database file {db}: `sqlscore init {shlex.quote(db)} --events ...` makes one from your "
            "events, `sqlscore demo` one from a simulated shop"
        )
    from sqlscore.webapp.server import serve

    serve(Path(db), port, device, _say_ready)


def _say_ready(url: str) -> None:
    typer.echo(f"open {url} in a browser; Ctrl-C ends it")
    sys.stdout.flush()
