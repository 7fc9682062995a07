"""The command `mcp`: a server for agents over a file."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from sqlscore.cli.options import Database, Device
from sqlscore.errors import InstallError


def mcp(
    db: Database,
    http: Annotated[bool, typer.Option("--http", help="HTTP on loopback, with a token, in place of stdio.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Its port; 0: any free one.")] = 8765,
    allow_write: Annotated[bool, typer.Option("--allow-write", help="With a tool that refreshes the scores.")] = False,
    device: Device = "auto",
) -> None:
    """Let an agent ask the file: a server of the Model Context Protocol, over stdio or HTTP on this machine alone.

    Example: sqlscore mcp shop.duckdb
    """
    if not Path(db).exists():
        raise InstallError(
            f"there is no database file {db}: `sqlscore init {shlex.quote(db)} --events ...` makes one from your "
            "events, `sqlscore demo` one from a simulated shop"
        )
    from sqlscore.agents.server import TOKEN_VARIABLE, serve_http, serve_stdio

    if not http:
        serve_stdio(Path(db), device, allow_write=allow_write)
        return
    given = os.environ.get(TOKEN_VARIABLE)
    token = given or secrets.token_urlsafe(24)

    def say_ready(url: str) -> None:
        shown = f"the token of {TOKEN_VARIABLE}" if given else token
        typer.echo(f"serving {url}, Authorization: Bearer {shown}; Ctrl-C ends it")
        sys.stdout.flush()

    serve_http(Path(db), device, port, token, say_ready, allow_write=allow_write)
