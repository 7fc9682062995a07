"""What is known of users besides their events: part of what events are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AttributesRule:
    """Where the attributes of users are.

    Attributes:
        relation: SQL that stands in a FROM clause.
        key: its column of users.
        columns: its columns that are attributes, which every event gets.
        valid_from: its column of times from which a row holds, up to the next row of the user; None: there is one row a
            user, which holds always.
    """

    relation: str
    key: str
    columns: tuple[str, ...]
    valid_from: str | None = None

    def __str__(self) -> str:
        since = f' as of "{self.valid_from}"' if self.valid_from is not None else ""
        return f"{', '.join(self.columns)} of users in {self.relation}{since}"
