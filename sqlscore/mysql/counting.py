"""What Prometheus sees of clients over MySQL's protocol."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Counting:
    """Counts clients and statements in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make the metrics."""
        self._statements = Counter(
            "sqlscore_mysql_statements",
            "Statements by MySQL's number of the error; 0: done.",
            ["code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "sqlscore_mysql_seconds", "From a statement to its last row.", buckets=_SECONDS, registry=registry
        )
        self._clients = Gauge("sqlscore_mysql_clients", "Clients that are connected.", registry=registry)
        self._refused = Counter("sqlscore_mysql_refused", "Clients that were not let in.", registry=registry)

    def watch(self, clients: Callable[[], int]) -> None:
        """Read the number of clients when Prometheus asks."""
        self._clients.set_function(clients)

    def answered(self, code: int, seconds: float) -> None:
        """A statement is over."""
        self._statements.labels(str(code)).inc()
        self._seconds.observe(seconds)

    def refused(self) -> None:
        """Somebody did not know the password, or did not speak MySQL."""
        self._refused.inc()
