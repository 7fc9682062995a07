"""What a publication did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PublishedTable:
    """One table: its rows, their checksum (the same on both sides), and how many rows were written or deleted.

    `changed` counts all rows except in PostgreSQL, where unchanged rows stay.
    """

    rows: int
    checksum: str
    changed: int


@dataclass(frozen=True)
class PublishReport:
    """What was published. `to`: without password. `route`: postgres, snapshot, parquet, csv or webhook."""

    to: str
    route: str
    schema: str
    tables: dict[str, PublishedTable]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)
