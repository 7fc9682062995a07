"""What events are made of when no single relation holds them as they are: part of a mapping."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass
from typing import Any

from sqlscore.events.attributes import AttributesRule


@dataclass(frozen=True)
class Feed:
    """One of several sources of events, and which of its columns is what.

    Attributes:
        name: of the source, in the column `source`.
        relation: SQL that stands in a FROM clause.
        user_id: the column that says who; None if only the device is known.
        event_time: the column that says when.
        event_type: the column that says what was done; None: all its events are `action`.
        action: what all its events are.
        device_id: the column of devices.
        time_unit: of epoch numbers; None if times are not numbers.
        columns: the columns of the composed events, in their order, with the source's own column; None: it has none.
    """

    name: str
    relation: str
    user_id: str | None
    event_time: str
    event_type: str | None = None
    action: str | None = None
    device_id: str | None = None
    time_unit: str | None = None
    columns: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class IdentityRule:
    """How the person of an event is found.

    Attributes:
        device: the events' column of devices; None: their ids of users are looked up themselves.
        user: the events' own column of users; None if they have none.
        shared: a device belongs to whoever logged in last before an event, not to its last user.
        relation: SQL that stands in a FROM clause, a table of who had which device; None: the events say it.
        key: its column of devices, or of ids.
        person: its column of users.
        valid_from: its column of times from which a row holds; None: always.
        valid_to: its column of times from which a row holds no more; None: until the next row of the device.
        chains: a user who is a key in another row is who that row says; None: there must be no such user.
    """

    device: str | None = None
    user: str | None = None
    shared: bool = False
    relation: str | None = None
    key: str = ""
    person: str = ""
    valid_from: str | None = None
    valid_to: str | None = None
    chains: bool | None = None

    def __str__(self) -> str:
        what = "ids" if self.device is None else f'devices in "{self.device}"'
        return f"{what} by {self.relation or ('the last login' if self.shared else 'the last user')}"


@dataclass(frozen=True)
class Composition:
    """The parts that the events of a mapping are made of, in the order in which they are put together.

    Attributes:
        relation: SQL that stands in a FROM clause: the events before anything is done to them; empty if there are
            several sources.
        feeds: the sources, if there are several.
        identity: how the person of an event is found; None: the events say it.
        users: where attributes of users are; None: there are none.
    """

    relation: str = ""
    feeds: tuple[Feed, ...] = ()
    identity: IdentityRule | None = None
    users: AttributesRule | None = None

    @property
    def relations(self) -> tuple[str, ...]:
        """All relations of the user's that are read."""
        looked_up = self.identity.relation if self.identity is not None else None
        attributes = self.users.relation if self.users is not None else None
        return tuple(filter(None, (self.relation, *(feed.relation for feed in self.feeds), looked_up, attributes)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values without those that say nothing, so that a part that is added later changes no stored text."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, values: Dict[str, Any]) -> Composition:
        """The inverse of `to_dict`."""
        fields = dict(values)
        if "feeds" in fields:
            feeds = [Feed(**{**feed, "columns": tuple(map(tuple, feed["columns"]))}) for feed in fields["feeds"]]
            fields["feeds"] = tuple(feeds)
        if "identity" in fields:
            fields["identity"] = IdentityRule(**fields["identity"])
        if "users" in fields:
            fields["users"] = AttributesRule(**fields["users"] | {"columns": tuple(fields["users"]["columns"])})
        return cls(**fields)

    def __str__(self) -> str:
        said = [self.relation] if self.relation else [f"{feed.name} ({feed.relation})" for feed in self.feeds]
        if self.identity is not None:
            said.append(str(self.identity))
        if self.users is not None:
            said.append(str(self.users))
        return ", ".join(said)
