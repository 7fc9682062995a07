"""What happens in a run, as events for whatever logs, counts or shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlscore.redaction import scrub

Outcome = Literal["ok", "failed", "stopped"]
Kind = Literal["refresh", "dbt", "publish", "policy", "retrain", "report"]


@dataclass(frozen=True)
class RunBegan:
    """A run has begun, at `started_at`, UTC without zone."""

    started_at: datetime


@dataclass(frozen=True)
class Retrying:
    """A step failed and is tried again in `seconds`."""

    kind: Kind
    target: str
    error: str
    seconds: float


@dataclass(frozen=True)
class StepEnded:
    """A step of a run: its kind, what it worked on, its outcome. `error` holds no passwords."""

    kind: Kind
    target: str
    outcome: Outcome
    retries: int
    seconds: float
    error: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunEnded:
    """A whole run. It failed if a step failed."""

    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    steps: tuple[StepEnded, ...]

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def error(self) -> str | None:
        """The errors of its steps in one text."""
        errors = [f"{step.kind} {step.target}: {step.error}" for step in self.steps if step.error is not None]
        return "; ".join(errors) or None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them and `sqlscore.runs` keeps them."""
        return asdict(self)


Event = RunBegan | Retrying | StepEnded | RunEnded
Tell = Callable[[Event], None]


def described(error: BaseException, *secrets: str) -> str:
    """The kind and text of an error, without passwords, so that it may be stored and shown."""
    return scrub(f"{type(error).__name__}: {error}".strip(), *secrets)


def target_name(to: str) -> str:
    """The place that something is published to, without user, password and options, for logs and metrics."""
    try:
        parts = urlsplit(to)
    except ValueError:
        return scrub(to)
    if "://" not in to:
        return to
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def secrets_of(to: str) -> tuple[str, ...]:
    """The passwords in the place to publish to; errors must not repeat them."""
    try:
        password = urlsplit(to).password
    except ValueError:
        return ()
    return (password,) if password else ()
