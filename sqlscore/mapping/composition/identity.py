"""Devices and persons: how the table of who is who is read, and what makes it unusable."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from sqlscore.errors import EventsError, MappingError
from sqlscore.events.attached import Attached
from sqlscore.events.composition import Composition, IdentityRule
from sqlscore.events.mapping import Mapping
from sqlscore.events.type_names import sql_name
from sqlscore.excerpts import excerpt
from sqlscore.mapping.composition.checks import check_identity
from sqlscore.mapping.composition.words import spelled
from sqlscore.mapping.relations import column_of, relation_of, types_of
from sqlscore.mapping.roles import check_users
from sqlscore.mapping.text_files import as_written
from sqlscore.quoting import identifier

_KEYS = ("device_id", "device", "anonymous_id", "distinct_id", "alias", "id")
_PERSONS = ("user_id", "user", "person_id", "canonical_id")


@dataclass(frozen=True)
class Identity:
    """A table of who is who: which user had a device, or which id is whose.

    Attributes:
        table: A table, a view or a file.
        device: Its column of devices (or of other ids); by default the events' name for it, device_id, anonymous_id,
            distinct_id or alias.
        user: Its column of users; by default the events' name for it, user_id, person_id or canonical_id.
        valid_from: Its column of times from which a row holds; by default valid_from, if there is one.
        valid_to: Its column of times from which a row holds no more; by default valid_to, if there is one. Without it
            a row holds until the next one of the device.
        chains: Whether a user who stands in the column of devices too is who that row says. By default so where the
            events have ids of one kind; where they have devices and users, it must be said if it occurs.
    """

    table: str
    device: str | None = None
    user: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    chains: bool | None = None

    @classmethod
    def from_text(cls, text: str) -> Identity:
        """From `TABLE: device=C, user=C, valid_from=C, valid_to=C, chains=true`, of which TABLE alone is needed.

        Raises MappingError if it cannot be read.
        """
        table, words = spelled(text, "--identity")
        known = ("device", "user", "valid_from", "valid_to", "chains")
        unknown = next((name for name in words if name not in known), None)
        if unknown is not None:
            raise MappingError(
                f"--identity {excerpt(repr(text), 200)} has no {excerpt(unknown)}=: its options are {', '.join(known)}"
            )
        columns = {name: word.text for name, word in words.items()}
        chains = columns.pop("chains", None)
        if chains not in (None, "true", "false"):
            raise MappingError(
                f"--identity {excerpt(repr(text), 200)} says chains={excerpt(chains or '')}: true or false"
            )
        return cls(table, **columns, chains=None if chains is None else chains == "true")


def identify(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    device_id: str | None,
    shared: bool,
    identity: str | Identity | None,
) -> Mapping:
    """The mapping with a rule that finds the person of each event; its relation is still the events themselves.

    Args:
        con: A connection to the database.
        mapping: The events with their roles; if they do not say who, `user_id` is the column of devices.
        device_id: The column of devices, as the user spells it.
        shared: Whether devices belong to whoever logged in last.
        identity: The table of who is who.

    Raises MappingError or EventsError.
    """
    types = types_of(con, mapping.relation, mapping.relation)
    device = column_of(device_id, "device_id", types, mapping.relation) if device_id is not None else None
    user: str | None = mapping.user_id
    if device is not None:
        check_users(con, replace(mapping, user_id=device))
        if device == mapping.user_id:
            user = None
    rule = IdentityRule(device=device, user=user, shared=shared)
    feeds = mapping.composition.feeds if mapping.composition is not None else ()
    if identity is None and (user is None or (feeds and all(feed.user_id is None for feed in feeds))):
        raise MappingError(
            f'no column says who uses a device "{device}": name the one that logins fill in, user_id=... (--user-id), '
            "or a table of who had which device, identity=... (--identity)"
        )
    if identity is not None:
        if shared:
            raise MappingError(
                "device_shared (--device-shared) goes by the logins in the events: with a table of who is who, give "
                "its rows the times from which they hold, Identity(valid_from=...)"
            )
        asked = identity if isinstance(identity, Identity) else Identity.from_text(identity)
        rule = _with_table(con, rule, asked, [name for name in (device, user) if name is not None], mapping.attached)
    if user is None:
        mapping = replace(mapping, user_id="user_id")
    parts = mapping.composition or Composition(mapping.relation)
    check_identity(con, rule)
    return replace(mapping, composition=replace(parts, identity=rule))


def _with_table(
    con: duckdb.DuckDBPyConnection,
    rule: IdentityRule,
    asked: Identity,
    names: list[str],
    databases: tuple[Attached, ...],
) -> IdentityRule:
    """The rule with the columns of the table; names: what the events call devices and users."""
    relation = relation_of(con, asked.table, databases)
    types = types_of(con, relation, asked.table)
    person = _column(asked.user, "user", (*names[1:], *_PERSONS), types, asked.table, ())
    key = _column(asked.device, "device", (*names, *_KEYS), types, asked.table, (person,))
    relation = as_written(con, relation, (key, person))
    spans = []
    for role, wanted in (("valid_from", asked.valid_from), ("valid_to", asked.valid_to)):
        there = next((name for name in types if name.casefold() == role), None)
        spans.append(column_of(wanted, role, types, asked.table) if wanted is not None else there)
    for name in filter(None, spans):
        if not pa.types.is_timestamp(types[name]) and not pa.types.is_date(types[name]):
            raise EventsError(
                f'column "{name}" of "{asked.table}" has type {sql_name(types[name])}, expected a time: cast it in '
                f"a view, for example to_timestamp({identifier(name)})"
            )
    chains = asked.chains if asked.chains is not None or rule.device is not None else True
    begins, ends = spans
    return replace(rule, relation=relation, key=key, person=person, valid_from=begins, valid_to=ends, chains=chains)


def _column(
    asked: str | None,
    role: str,
    likely: tuple[str, ...],
    types: dict[str, pa.DataType],
    table: str,
    taken: tuple[str, ...],
) -> str:
    if asked is not None:
        return column_of(asked, role, types, table)
    folded = {name.casefold(): name for name in types if name not in taken}
    found = next((folded[name.casefold()] for name in likely if name.casefold() in folded), None)
    if found is None:
        have = ", ".join(f'"{name}"' for name in types)
        raise MappingError(
            f'no column of "{table}" is named like one of a {role} (columns: {have}): say which is, '
            f'Identity({table!r}, {role}=...) (--identity "{table}: {role}=C")'
        )
    return found
