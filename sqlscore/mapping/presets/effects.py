"""What the rules of a format did to an export, in rows."""

from __future__ import annotations

import duckdb

from sqlscore.database.queries import one
from sqlscore.mapping.presets.export import EVENTS, Counted, Export
from sqlscore.mapping.profile import Profile


def effects_of(
    con: duckdb.DuckDBPyConnection, export: Export, events: str, seen: Profile, by_logins: bool
) -> dict[str, int]:
    """What the rules dropped or changed: rows by what was done.

    Args:
        con: A connection to the database.
        export: The export.
        events: SQL that stands in a FROM clause: what the view shows, read once.
        seen: What was counted of the mapped events.
        by_logins: Whether the user of a device is the one who logged in on it, and no table says otherwise.
    """
    delivered = Counted("rows of the export", "SELECT count(*) FROM delivered")
    counted = (*((delivered,) if "delivered" in export.parts else ()), *export.counted)
    effects = {"rows of the export": seen.n_rows}
    if counted:  # in one statement, which reads what they share once
        parts = ", ".join([*export.named_parts, f"{EVENTS} AS (FROM {events})"])
        counts = one(con, f"WITH {parts} SELECT {', '.join(f'({rule.sql})' for rule in counted)}") or ()
        effects |= {rule.what: count for rule, count in zip(counted, counts, strict=True)}
    if export.event_id:
        effects["rows delivered again, left out"] = seen.n_repeated
    if export.exclude_types or seen.n_excluded:
        effects["rows of actions that are no events, left out"] = seen.n_excluded
    effects["rows without user or device, left out"] = seen.n_null_user
    if export.device_id and by_logins:
        known, resolved = one(
            con,
            f"""WITH known AS (
                    SELECT DISTINCT device_id FROM {events} WHERE user_id IS NOT NULL AND device_id IS NOT NULL)
                SELECT (SELECT count(*) FROM known),
                    (SELECT count(*) FROM {events} SEMI JOIN known USING (device_id) WHERE user_id IS NULL)""",
        ) or (0, 0)
        effects["devices whose user is known"] = known
        effects["rows of theirs without a user, given to him or her"] = resolved
    return effects
