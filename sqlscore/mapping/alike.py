"""Names of actions that look alike: people read one action where there are two."""

from __future__ import annotations

import unicodedata

import duckdb

from sqlscore.database.events_query import usable_events
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.guards import Guards
from sqlscore.mapping.watch import Finding

_SHOWN = 3
_AT_MOST = 100_000  # names; more are no actions, of which `profile` warns


def alike(con: duckdb.DuckDBPyConnection, mapping: Mapping, guards: Guards) -> tuple[Finding, ...]:
    """What to say of action names that are the same but for case, spaces, invisible characters or Unicode form."""
    guard = guards.get("alike_actions")
    if guard is None:
        return ()
    names = con.execute(
        f"SELECT DISTINCT event_type FROM ({usable_events(con, mapping)}) ORDER BY event_type LIMIT {_AT_MOST}"
    ).fetchall()
    groups: dict[str, list[str]] = {}
    for (name,) in names:
        groups.setdefault(look(name), []).append(name)
    same = [group for group in groups.values() if len(group) > 1]
    if sum(len(group) - 1 for group in same) <= guard.threshold:
        return ()
    shown = ", ".join(" = ".join(map(ascii, group)) for group in same[:_SHOWN])
    more = f" and {len(same) - _SHOWN} more" if len(same) > _SHOWN else ""
    what = (
        f"actions that differ in case, spaces, invisible characters or Unicode form only are different ones ({shown}"
        f"{more}): bring them to one form in a view, for example lower(trim(nfc_normalize({mapping.event_type})))"
    )
    return (Finding("alike_actions", guard.outcome, what, "accept"),)


def look(name: str) -> str:
    """What is left of a name without case, outer and doubled spaces, invisible characters and Unicode form."""
    seen = unicodedata.normalize("NFC", name)
    seen = "".join(c for c in seen if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    return unicodedata.normalize("NFC", " ".join(seen.split()).casefold())
