"""The state of a server: how fresh the scores are, which models score, what failed, when the next run is due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlscore.database.transactions import now
from sqlscore.serving.notices import Event, RunBegan, RunEnded, StepEnded

_LATE = 2
"""Scores are stale when they are older than this many intervals of the timetable."""


@dataclass(frozen=True)
class State:
    """What a server knows of itself. All moments are UTC without zone.

    `refreshed_at` is, by mapping, the end of its newest successful refresh, or of the dbt build in its place; None if
    there was none yet.
    """

    started_at: datetime
    refreshed_at: dict[str, datetime | None]
    running_since: datetime | None = None
    last_success: datetime | None = None
    last_run: RunEnded | None = None
    failures: int = 0  # runs in a row
    champions: dict[str, str] = field(default_factory=dict)  # by mapping
    as_of: dict[str, Any] = field(default_factory=dict)  # by mapping
    published_at: dict[str, datetime] = field(default_factory=dict)  # by target
    guards: dict[str, dict[str, str]] = field(default_factory=dict)  # by mapping: what each guard said of the events
    warnings: dict[str, list[str]] = field(default_factory=dict)  # by mapping: what those said that warned


class Board:
    """Holds the newest state: the thread of the runs writes it, the threads of the web server read it."""

    def __init__(self, every: timedelta, state: State, next_run: Callable[[], datetime | None]) -> None:
        """Begin with a state.

        Args:
            every: the interval of the timetable, by which scores are fresh or stale.
            state: what is known before the first run.
            next_run: returns when the next run is due, with a zone; None if none is.
        """
        self._every = every
        self._next_run = next_run
        self._state = state
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """The newest state."""
        return self._state

    def hear(self, event: Event) -> None:
        """Update the state by an event."""
        with self._lock:
            self._state = _after(self._state, event)

    def staleness(self, moment: datetime) -> float | None:
        """Seconds since the oldest scores of all mappings were made; None if those of one were never made."""
        ages = [None if at is None else (moment - at).total_seconds() for at in self._state.refreshed_at.values()]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def publish_lag(self, target: str, moment: datetime) -> float:
        """Seconds for which newer scores have been waiting to be published; 0 if none are."""
        newest = max((at for at in self._state.refreshed_at.values() if at is not None), default=None)
        published = self._state.published_at.get(target)
        if newest is None or (published is not None and published >= newest):
            return 0.0
        return max(0.0, (moment - newest).total_seconds())

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether all is well, and the facts; their `status` is ok, starting, failing or stale."""
        state, moment, next_run = self._state, now(), self._next_run()
        staleness = self.staleness(moment)
        if state.last_run is not None and state.last_run.outcome == "failed":
            status = "failing"
        elif state.last_success is None:
            status = "starting"
        elif staleness is None or staleness > _LATE * self._every.total_seconds():
            status = "stale"
        else:
            status = "ok"
        last = state.last_run
        return status == "ok", {
            "status": status,
            "running": state.running_since is not None,
            "last_success": state.last_success,
            "staleness_seconds": staleness,
            "champions": state.champions,
            "as_of": state.as_of,
            "guards": {
                mapping: {name: outcome for name, outcome in said.items() if outcome != "ok"}
                for mapping, said in state.guards.items()
            },
            "warnings": state.warnings,
            "next_run": next_run,
            "failures_in_a_row": state.failures,
            "last_run": None
            if last is None
            else {"outcome": last.outcome, "finished_at": last.finished_at, "error": last.error},
            "published_at": state.published_at,
            "started_at": state.started_at,
        }


def _after(state: State, event: Event) -> State:
    if isinstance(event, RunBegan):
        return replace(state, running_since=event.started_at)
    if isinstance(event, StepEnded):
        judged = event.result.get("judged", {})  # by mapping, of a dbt build
        if "guards" in event.result:
            judged = {event.result.get("mapping") or event.target: event.result}
        for mapping, said in judged.items():
            warned = {**state.warnings, mapping: list(said.get("warnings", ()))}
            state = replace(state, guards={**state.guards, mapping: said["guards"]}, warnings=warned)
        return _after_step(state, event) if event.outcome == "ok" else state
    if isinstance(event, RunEnded):
        return replace(
            state,
            running_since=None,
            last_run=event,
            last_success=event.finished_at if event.outcome == "ok" else state.last_success,
            failures=0 if event.outcome == "ok" else state.failures + (event.outcome == "failed"),
        )
    return state


def _after_step(state: State, step: StepEnded) -> State:
    if step.kind == "refresh":
        champions = {**state.champions, step.target: step.result["model"]}
        as_of = {**state.as_of, step.target: step.result["as_of"]}
        return replace(state, champions=champions, as_of=as_of, refreshed_at={**state.refreshed_at, step.target: now()})
    if step.kind == "dbt":
        return replace(state, refreshed_at=dict.fromkeys(state.refreshed_at, now()))
    if step.kind == "publish":
        return replace(state, published_at={**state.published_at, step.target: now()})
    return state
