"""What Prometheus sees of requests for scores."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Counting:
    """Counts requests and batches in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make the metrics."""
        self._requests = Counter("sqlscore_score_requests", "Requests by status.", ["status"], registry=registry)
        self._by_status: dict[int, Counter] = {}
        self._seconds = Histogram(
            "sqlscore_score_seconds", "From a request to its answer.", buckets=_SECONDS, registry=registry
        )
        self._batches = Histogram(
            "sqlscore_score_batch_requests", "Requests scored together.", buckets=_SIZES, registry=registry
        )
        self._sequences = Counter("sqlscore_score_sequences", "Sequences that were scored.", registry=registry)
        self._events = Counter("sqlscore_score_events", "Events of these sequences.", registry=registry)
        self._waiting = Gauge("sqlscore_score_waiting", "Requests that wait for their turn.", registry=registry)

    def watch(self, waiting: Callable[[], int]) -> None:
        """Read the number of those that wait when Prometheus asks."""
        self._waiting.set_function(waiting)

    def answered(self, status: int, seconds: float) -> None:
        """A request was answered."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = self._requests.labels(str(status))
        counter.inc()
        self._seconds.observe(seconds)

    def scored(self, requests: int, sequences: int, events: int) -> None:
        """A batch was scored."""
        self._batches.observe(requests)
        self._sequences.inc(sequences)
        self._events.inc(events)
