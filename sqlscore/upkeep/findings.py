"""What a step of a repair reports."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Loss:
    """Something that cannot be rebuilt, and the command that comes nearest to it."""

    what: str
    command: str


@dataclass
class Findings:
    """What was mended, one line each, and what could not be."""

    done: list[str] = field(default_factory=list)
    lost: list[Loss] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """Take over what another step found."""
        self.done += other.done
        self.lost += other.lost

    def lose(self, what: str, command: str) -> None:
        """Note a loss."""
        self.lost.append(Loss(what, command))
