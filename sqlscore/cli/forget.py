"""The command `forget`: erase a user's scores."""

from __future__ import annotations

from typing import Annotated

import typer

from sqlscore.cli import render
from sqlscore.cli.options import Database, Json, MappingName, open_database


def forget(
    db: Database,
    user_id: Annotated[str, typer.Argument(metavar="USER_ID", help="The id as in the events.")],
    mapping: MappingName = "events",
    json: Json = False,
) -> None:
    """Erase one user's scores, states and cache entries. The events are yours to delete.

    Example: sqlscore forget shop.duckdb 4711
    """
    from sqlscore import forget_user

    with open_database(db) as con:
        counts = forget_user(con, user_id, mapping=mapping)
    erased = ", ".join(f"{count} in {place}" for place, count in counts.items()) or "nothing was stored"
    render.done(counts, f"user {user_id}: {erased}", json)
