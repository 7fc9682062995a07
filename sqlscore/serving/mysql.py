"""A server of MySQL's protocol: the file is open for reading, for other people's SQL, and nothing is scheduled."""

from __future__ import annotations

import os
from collections.abc import Callable

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.database.transactions import now
from sqlscore.errors import ServingError
from sqlscore.guarded_sql.connection import Guarded, Limits
from sqlscore.live.tokens import VARIABLE, token
from sqlscore.mysql.counting import Counting
from sqlscore.mysql.server import answering
from sqlscore.serving.lock import explain_lock
from sqlscore.serving.logs import LOG
from sqlscore.serving.scores import is_this_machine
from sqlscore.serving.signals import asked_to_stop
from sqlscore.serving.unscheduled import of_process, require_file
from sqlscore.serving.web import application, bound, listening
from sqlscore.serving.wire import Wire
from sqlscore.verbs.connect import FROM_ENVIRONMENT


def serve_mysql(
    database: str,
    device: str,
    wire: Wire,
    port: int,
    stop_within: float,
    ready: Callable[[str, tuple[str, int], str], None],
) -> None:
    """Answer MySQL's clients until SIGTERM or SIGINT.

    Args:
        database: the file; others can read it too, and nobody can write it meanwhile.
        device: where models run, as `connect` takes it.
        wire: where clients are answered.
        port: of /health and /metrics, at the same host.
        stop_within: seconds that requests of these get to end; statements of clients are ended at once.
        ready: called with the URL of these, the address for clients and where the password is, once it answers.

    Raises ServingError if the file is not there or held by another process, an address is taken, or others could ask by
    mistake.
    """
    _check(wire)
    require_file(database)
    try:
        guarded = Guarded(database, _limits(wire), device)
    except duckdb.IOException as error:
        text = explain_lock(error, database)
        if text is None:
            raise
        raise ServingError(text) from error
    with guarded, token(database, "password") as password, asked_to_stop() as asked:
        registry = of_process()
        with guarded.cursor() as con:
            aliases = catalog(con).snapshot.aliases
        champions = {mapping: label for (mapping, alias), label in aliases.items() if alias == "champion"}
        facts = {"status": "ok", "champions": champions, "started_at": now()}
        app = application(lambda: (True, facts), registry)
        with (
            bound(wire.host, wire.port, "--mysql") as listener,
            listening(wire.host, port, app, stop_within) as url,
            answering(guarded, listener, password.secret, Counting(registry)),
        ):
            name = listener.getsockname()
            ready(url, (str(name[0]), int(name[1])), password.where)
            asked.wait()
            LOG.info("asked to stop: statements of clients are ended")
    LOG.info("stopped")


def _check(wire: Wire) -> None:
    if is_this_machine(wire.host):
        return
    if not wire.is_open:
        raise ServingError(
            f"--mysql with --host {wire.host} lets other machines ask: add --open if that is meant, and put something "
            "in front that speaks TLS, since statements and rows are sent as they are"
        )
    if VARIABLE not in os.environ:
        raise ServingError(
            f"--open needs a password that other machines know: set {VARIABLE}, `openssl rand -hex 24` makes one"
        )


def _limits(wire: Wire) -> Limits:
    memory = os.environ.get(FROM_ENVIRONMENT["memory_limit"], Limits.memory)
    threads = os.environ.get(FROM_ENVIRONMENT["threads"], "")
    return Limits(memory, int(threads) if threads.isdecimal() else os.cpu_count() or 1, wire.seconds)
