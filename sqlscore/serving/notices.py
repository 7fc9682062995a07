"""What happens in a run, told as it happens to whoever logs, counts or shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlscore.redaction import scrub

Outcome = Literal["ok", "failed", "stopped"]
Kind = Literal["refresh", "dbt", "publish", "policy", "retrain"]


@dataclass(frozen=True)
class RunBegan:
    """A run has begun. started_at: UTC, without zone."""

    started_at: datetime


@dataclass(frozen=True)
class Retrying:
    """A step failed and is tried again in so many seconds."""

    kind: Kind
    target: str
    error: str
    seconds: float


@dataclass(frozen=True)
class StepEnded:
    """A step of a run: of which kind, on what, with which outcome. error: without passwords."""

    kind: Kind
    target: str
    outcome: Outcome
    retries: int
    seconds: float
    error: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunEnded:
    """A whole run. It failed where any step did."""

    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    steps: tuple[StepEnded, ...]

    @property
    def seconds(self) -> float:
        """How long it took."""
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
    """An error as it may be stored and shown: its kind and text, without passwords."""
    return scrub(f"{type(error).__name__}: {error}".strip(), *secrets)


def target_name(to: str) -> str:
    """Where something is published, without user, password and options, as logs and metrics name it."""
    try:
        parts = urlsplit(to)
    except ValueError:
        return scrub(to)
    if "://" not in to:
        return to
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def secrets_of(to: str) -> tuple[str, ...]:
    """The passwords in a place to publish to, which must not come back in an error."""
    try:
        password = urlsplit(to).password
    except ValueError:
        return ()
    return (password,) if password else ()
