"""A server of scores alone: it opens the file for reading, and runs nothing on a schedule."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import duckdb
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from sqlscore.database.catalog import catalog
from sqlscore.database.transactions import now
from sqlscore.errors import ServingError
from sqlscore.serving.lock import explain_lock
from sqlscore.serving.logs import LOG
from sqlscore.serving.scores import Door, score_routes
from sqlscore.serving.signals import asked_to_stop
from sqlscore.serving.web import application, listening
from sqlscore.verbs.connect import connect


def serve_scores(
    database: str, device: str, door: Door, stop_within: float, ready: Callable[[str, str | None], None]
) -> None:
    """Answer requests for scores until SIGTERM or SIGINT.

    Args:
        database: the file; others can read it too, and nobody can write it meanwhile.
        device: where models run, as `connect` takes it.
        door: where to listen.
        stop_within: seconds that requests get to end.
        ready: called with the URL and where the token is, once it answers.

    Raises ServingError if the file is not there or held by another process, or the address is taken.
    """
    door.check()
    con = _opened(database, device)
    try:
        registry = of_process()
        # The champions stay, as nobody can write the file meanwhile.
        aliases = catalog(con).snapshot.aliases
        champions = {mapping: label for (mapping, alias), label in aliases.items() if alias == "champion"}
        facts = {"status": "ok", "champions": champions, "started_at": now()}
        with asked_to_stop() as asked, score_routes(door, database, lambda: con, registry) as (routes, where):
            app = application(lambda: (True, facts), registry, routes)
            with listening(door.host, door.port, app, stop_within) as url:
                ready(url, where)
                asked.wait()
                LOG.info("asked to stop: requests get %.0f s to end", stop_within)
    finally:
        con.close()
    LOG.info("stopped")


def of_process() -> CollectorRegistry:
    """A registry with what Prometheus wants to know of every process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def require_file(database: str) -> None:
    """Raises ServingError if there is no such file."""
    if not Path(database).is_file():
        named = shlex.quote(database)
        raise ServingError(f"there is no database file {database}: `sqlscore init {named} --events ...` makes one")


def _opened(database: str, device: str) -> duckdb.DuckDBPyConnection:
    require_file(database)
    try:
        return connect(database, read_only=True, device=device)
    except duckdb.IOException as error:
        text = explain_lock(error, database)
        if text is None:
            raise
        raise ServingError(text) from error
