"""The internal functions, their names and SQL types: what a session registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sqlscore.errors import SqlscoreError
from sqlscore.udfs.catalog import Catalog
from sqlscore.udfs.churn import SCORE_SQL, churn, score
from sqlscore.udfs.encode import encode
from sqlscore.udfs.next_action import (
    ACTIONS_SQL,
    action_probability,
    embedding,
    next_action,
    next_actions,
    seconds_to_next,
)
from sqlscore.udfs.path import path
from sqlscore.udfs.states import STATE_SQL

PREFIX = "open_this_file_with_sqlscore_connect__"
"""Stands before every internal name, so that the engine's "does not exist" says what to do."""


@dataclass(frozen=True)
class Internal:
    """An internal function: its name without PREFIX, its SQL return type, and the code."""

    name: str
    returns: str
    body: Callable[..., pa.Array]

    @property
    def sql_name(self) -> str:
        return PREFIX + self.name

    def bind(self, catalog: Catalog) -> Callable[..., pa.Array]:
        """The function as DuckDB calls it: any number of columns in, one column of the same length out."""

        def call(*columns: Any) -> pa.Array:
            result = self.body(catalog, *columns)
            if len(result) != len(columns[0]):
                raise SqlscoreError(
                    f"{self.name} made {len(result)} rows from {len(columns[0])}: this is a defect in sqlscore"
                )
            return result

        return call


FUNCTIONS: tuple[Internal, ...] = (
    Internal("encode", STATE_SQL, encode),
    Internal("next_action", "VARCHAR", next_action),
    Internal("next_actions", ACTIONS_SQL, next_actions),
    Internal("action_probability", "FLOAT", action_probability),
    Internal("seconds_to_next", "DOUBLE", seconds_to_next),
    Internal("path", "VARCHAR[]", path),
    Internal("churn", "FLOAT", churn),
    Internal("embedding", "FLOAT[]", embedding),
    Internal("score", SCORE_SQL, score),
)
INSTANCE = PREFIX + "instance"
"""Takes nothing and returns the key of the instance's Catalog."""
