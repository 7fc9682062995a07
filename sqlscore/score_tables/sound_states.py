"""Whether the stored states are as a refresh wrote them: if somebody changed them, the next refresh starts over."""

from __future__ import annotations

import re
from functools import cache

import duckdb
import numpy as np

from sqlscore.database.queries import one
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import qualified
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.head_outputs import churn_summary
from sqlscore.sql.objects import table

CHANGED = "somebody changed the stored states"
"""Why all users are scored again."""


@cache
def state_types() -> dict[str, str]:
    """The types of the columns after user_id, as the table is created."""
    return {name: kind for kind, name in re.findall(r"CAST\(NULL AS (.+)\) AS (\w+)", table(STATES_TABLE).text)}


def wrong_states(con: duckdb.DuckDBPyConnection, mapping: Mapping, model: str) -> str | None:
    """What is wrong with the columns of the stored states, or with what is short in them; None if nothing is.

    Args:
        con: A connection that can read the table.
        mapping: Whose states they are.
        model: The model that the last refresh scored with.
    """
    name = qualified(mapping.schema, STATES_TABLE)
    relation = con.sql(f"FROM {name} LIMIT 0")
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    user_type = con.sql(f"SELECT user_id FROM {qualified(mapping.schema, 'scored_users')} LIMIT 0").types[0]
    wrong = [
        column for column, kind in (state_types() | {"user_id": str(user_type)}).items() if types.get(column) != kind
    ]
    if wrong:
        return f"{CHANGED}: {', '.join(wrong)} in {name}"
    row = one(
        con,
        f"""SELECT count(*) FROM {name}
            WHERE user_id IS NULL OR last_time IS NULL OR first_time IS NULL OR first_time > last_time
                OR coalesce(n_events, 0) < 1 OR coalesce(n_unknown, -1) NOT BETWEEN 0 AND n_events
                OR content IS NULL OR model IS DISTINCT FROM ?""",
        [model],
    )
    return f"{CHANGED}: {row[0]} rows of {name} are not whole" if row and row[0] else None


def wrong_vectors(con: duckdb.DuckDBPyConnection, mapping: Mapping, artifact: Artifact) -> str | None:
    """What is wrong with the states themselves; None if nothing is. This reads all of them.

    Args:
        con: A connection that can read the table.
        mapping: Whose states they are.
        artifact: The model whose states they are.
    """
    name, size = qualified(mapping.schema, STATES_TABLE), artifact.manifest.state_size
    wrong = [_is_not("hidden", size)]
    if artifact.keeps_churn_summary:
        wrong.append(_is_not("standing", churn_summary(artifact, np.zeros((1, size), np.float32)).shape[1]))
    row = one(con, f"SELECT count(*) FROM {name} WHERE {' OR '.join(wrong)}")
    return f"{CHANGED}: {row[0]} rows of {name} are not whole" if row and row[0] else None


def _is_not(column: str, width: int) -> str:
    """SQL: the list has not this many numbers, or a NULL among them."""
    return f"len({column}) IS DISTINCT FROM {width} OR list_position({column}, NULL) IS NOT NULL"
