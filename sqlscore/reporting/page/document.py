"""What a page consists of, whatever it is written as: sections of sentences, tables and charts. All text is plain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Points:
    """Sentences, each on its own."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A line for a terminal."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells. columns: their headings; the first column says what a row is about."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Facts:
    """Values by name."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bar:
    """A bar, its length as a share of the longest possible one, what it is of, and its value in words."""

    label: str
    length: float
    value: str
    colour: str


@dataclass(frozen=True)
class Bars:
    """A bar chart. about: what it shows, for those who cannot see it."""

    title: str
    about: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Outcome:
    """Predictions that were alike: how likely they were said to be, how often they came true, and its 95 % interval."""

    said: float
    came_true: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram."""

    title: str
    about: str
    outcomes: tuple[Outcome, ...]


Part = Words | Points | Command | Table | Facts | Bars | Calibration


@dataclass(frozen=True)
class Section:
    """A heading and what is under it."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Document:
    """A page. made_at: UTC."""

    title: str
    made_at: datetime
    sections: tuple[Section, ...]


def number(value: float | None, form: str = ",.0f") -> str:
    """A number for people; a dash where there is none."""
    return "–" if value is None else format(value, form)


def moment(at: datetime | None) -> str:
    """A moment to the minute, UTC; "never" where there is none."""
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"
