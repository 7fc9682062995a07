"""A server of scores in this process, and a client that asks it over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
from prometheus_client import CollectorRegistry

from sqlscore.live.api import Api
from sqlscore.live.counting import Counting
from sqlscore.live.limits import Limits
from sqlscore.live.scoring import Scorer
from sqlscore.live.tokens import Token
from sqlscore.serving.web import application, listening

SECRET = "a-secret-of-the-tests"
JSON = "application/json"


@dataclass(frozen=True)
class Client:
    """Asks a server at this URL."""

    url: str
    secret: str = SECRET

    def post(self, body: bytes, kind: str = JSON, options: str = "") -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": kind}
        request = urllib.request.Request(f"{self.url}/score{options}", body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    def score(self, **document: Any) -> list[dict[str, Any]]:
        """The results of a document."""
        status, body, _ = self.post(json.dumps(document, default=float).encode())
        assert status == 200, body
        results: list[dict[str, Any]] = json.loads(body)["results"]
        return results

    def refused(self, document: Any) -> tuple[int, str, str]:
        """Status, field and message."""
        status, body, _ = self.post(
            document if isinstance(document, bytes) else json.dumps(document, default=float).encode()
        )
        error = json.loads(body)["error"]
        return status, error["field"], error["message"]

    def get(self, path: str) -> str:
        """A page."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())


@contextmanager
def answering(con: duckdb.DuckDBPyConnection, limits: Limits, scorer: Scorer | None = None) -> Iterator[Client]:
    """A client of a server on a free port. scorer: by default one on the connection."""
    registry = CollectorRegistry()
    routes, close = Api(scorer or Scorer(lambda: con), Token(SECRET), Counting(registry), limits).routes()
    try:
        with listening("127.0.0.1", 0, application(lambda: (True, {}), registry, routes)) as url:
            yield Client(url)
    finally:
        close()
