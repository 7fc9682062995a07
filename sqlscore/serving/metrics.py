"""The state of a server for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sqlscore.database.transactions import now
from sqlscore.mapping.guards import OUTCOMES
from sqlscore.serving.notices import Event, Retrying, RunEnded, StepEnded
from sqlscore.serving.observing import Board

_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class Metrics:
    """Counts events; `registry` also holds gauges, which are read from the board when Prometheus asks."""

    def __init__(self, board: Board, targets: Iterable[str]) -> None:
        """Make the registry.

        Args:
            board: the state that is read when Prometheus asks.
            targets: the names of the places that are published to.
        """
        self.registry = CollectorRegistry()
        self._runs = Counter("sqlscore_runs", "Scheduled runs by outcome.", ["outcome"], registry=self.registry)
        self._skipped = Counter(
            "sqlscore_runs_skipped",
            "Slots skipped, as the run before was still going on.",
            registry=self.registry,
        )
        self._run_seconds = Histogram(
            "sqlscore_run_seconds", "Duration of scheduled runs.", buckets=_SECONDS, registry=self.registry
        )
        self._step_seconds = Histogram(
            "sqlscore_step_seconds", "Duration of steps.", ["kind", "outcome"], buckets=_SECONDS, registry=self.registry
        )
        self._retries = Counter("sqlscore_retries", "Steps that were tried again.", ["kind"], registry=self.registry)
        self._rows = Counter("sqlscore_rows_scored", "Rows of score tables written.", ["table"], registry=self.registry)
        self._trained = Counter(
            "sqlscore_retrainings", "Trainings that the policy asked for.", ["promoted"], registry=self.registry
        )
        for outcome in ("ok", "failed", "stopped"):
            self._runs.labels(outcome)
        self.registry.register(_Read(board, tuple(targets)))
        ProcessCollector(registry=self.registry)  # resident memory, CPU time, open files
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def hear(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, Retrying):
            self._retries.labels(event.kind).inc()
        elif isinstance(event, StepEnded):
            self._step_seconds.labels(event.kind, event.outcome).observe(event.seconds)
            self._count(event)
        elif isinstance(event, RunEnded):
            self._runs.labels(event.outcome).inc()
            self._run_seconds.observe(event.seconds)

    def skipped(self) -> None:
        """Count a slot whose run did not take place."""
        self._skipped.inc()

    def _count(self, step: StepEnded) -> None:
        if step.kind == "refresh" and step.outcome == "ok":
            for table, rows in step.result["tables"].items():
                self._rows.labels(table).inc(rows)
        if step.kind == "retrain" and step.outcome == "ok":
            self._trained.labels(str(step.result["promoted"]).lower()).inc()


class _Read(Collector):
    """Gauges, computed at the moment at which Prometheus asks."""

    def __init__(self, board: Board, targets: tuple[str, ...]) -> None:
        self._board = board
        self._targets = targets

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, as the registry asks for them."""
        state, moment = self._board.state, now()
        stale = GaugeMetricFamily(
            "sqlscore_staleness_seconds",
            "Seconds since the scores were made; absent before they are.",
            labels=["mapping"],
        )
        for mapping, at in state.refreshed_at.items():
            if at is not None:
                stale.add_metric([mapping], (moment - at).total_seconds())
        yield stale
        champion = GaugeMetricFamily(
            "sqlscore_champion_version", "The version of the model that scores.", labels=["mapping", "name"]
        )
        for mapping, label in state.champions.items():
            name, _, version = label.rpartition("@")
            with suppress(ValueError):
                champion.add_metric([mapping, name], int(version))
        yield champion
        lag = GaugeMetricFamily(
            "sqlscore_publish_lag_seconds", "Seconds for which newer scores wait to be published.", labels=["target"]
        )
        for target in self._targets:
            lag.add_metric([target], self._board.publish_lag(target, moment))
        yield lag
        guard = GaugeMetricFamily(
            "sqlscore_guard_outcome",
            "What a guard said of the events at the last refresh: 0 ok, 1 noted, 2 warned, 3 refused.",
            labels=["mapping", "guard"],
        )
        for mapping, said in state.guards.items():
            for name, outcome in said.items():
                guard.add_metric([mapping, name], OUTCOMES.index(outcome))
        yield guard
        healthy, _ = self._board.health()
        yield GaugeMetricFamily("sqlscore_healthy", "1 if /health answers 200.", float(healthy))
        yield GaugeMetricFamily(
            "sqlscore_failures_in_a_row",
            "Scheduled runs that failed since the last success.",
            state.failures,
        )
        yield GaugeMetricFamily("sqlscore_running", "1 while a run goes on.", float(state.running_since is not None))
