"""Scores that do not fit their record or their model: which, and how the next refresh makes them anew."""

from __future__ import annotations

import duckdb

from sqlscore.database.champions import champion_of
from sqlscore.database.damage import damage_of
from sqlscore.database.materialized import MATERIALIZED, is_table
from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import MARK_TABLE, STATES_TABLE, edited_rows, lost_rows, read_mark
from sqlscore.score_tables.sound_states import wrong_states


def wrong_scores(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str | None:
    """Why the tables of scores must be made anew, in words; None if there are none yet or nothing is wrong with them.

    What new or changed events ask for is no damage: the next refresh sees to it.
    """
    names = [name for name in (*MATERIALIZED, STATES_TABLE, MARK_TABLE) if is_table(con, mapping.schema, name)]
    champion = champion_of(con, mapping.name)
    if not names or champion is None or damage_of(con, champion) is not None:
        return None
    mark = read_mark(con, mapping)
    if mark is None:
        if MARK_TABLE in names:
            return "somebody changed what the last refresh noted"
        return None if mapping.append_only else "what the last refresh noted is gone"
    lost = lost_rows(con, mapping, mark)
    if lost is not None:
        return lost
    if mark.model != champion:
        return f"the scores are {mark.model}'s, not the champion's, {champion}"
    registered = one(con, "SELECT sha256 FROM sqlscore.models WHERE concat(name, '@', version) = ?", [champion])
    if registered is None or registered[0] != mark.sha256:
        return f"the scores were made by another model that was {champion}"
    return wrong_states(con, mapping, champion) or edited_rows(con, mapping, mark)


def forget_refresh(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Let the next refresh score all users, in the caller's transaction; the scores stay until then."""
    for name in (MARK_TABLE, STATES_TABLE):
        if is_table(con, mapping.schema, name):
            con.execute(f"DROP TABLE {qualified(mapping.schema, name)}")
