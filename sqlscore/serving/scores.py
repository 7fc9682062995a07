"""`POST /score` as a part of a server: who may reach it, its token, its routes."""

from __future__ import annotations

import gc
import ipaddress
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from sqlscore.errors import ServingError
from sqlscore.live.api import Api
from sqlscore.live.counting import Counting
from sqlscore.live.scoring import Scorer
from sqlscore.live.tokens import VARIABLE, token


@dataclass(frozen=True)
class Door:
    """Where a server listens, and what it lets in.

    Attributes:
        host: an address of this machine, or its name.
        port: 0 takes one that is free.
        scores: whether it answers `POST /score`.
        is_open: whether others than this machine may ask for scores.
    """

    host: str
    port: int
    scores: bool = False
    is_open: bool = False

    def check(self) -> None:
        """Raises ServingError if scores would be open to others by mistake."""
        if not self.scores or is_this_machine(self.host):
            return
        if not self.is_open:
            raise ServingError(
                f"--score with --host {self.host} lets other machines ask for scores: add --open if that is meant, and "
                "put something in front that speaks TLS, since the token is sent as it is"
            )
        if VARIABLE not in os.environ:
            raise ServingError(
                f"--open needs a token that other machines know: set {VARIABLE}, `openssl rand -hex 24` makes one"
            )


@contextmanager
def score_routes(
    door: Door, database: str, connection: Callable[[], duckdb.DuckDBPyConnection], registry: CollectorRegistry
) -> Iterator[tuple[list[Route], str | None]]:
    """The pages that scores need, none if they are not asked for, and where the token is, in words.

    Args:
        door: what the server lets in.
        database: the file, beside which a token is kept if the environment gives none.
        connection: gives the open connection to it.
        registry: takes the metrics.

    Raises ServingError as `token` does.
    """
    if not door.scores:
        yield [], None
        return
    with token(database) as known:
        routes, close = Api(Scorer(connection, _settle), known, Counting(registry)).routes()
        try:
            yield routes, known.where
        finally:
            close()


def _settle() -> None:
    """What the process holds by now is not looked through for garbage again: 200,000 objects, a tenth of a second."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def is_this_machine(host: str) -> bool:
    """Whether only programs of this machine reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"
