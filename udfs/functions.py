"""The internal functions, their names and SQL types: what a session registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pyarrow as pa

from sqlscore.errors import SqlscoreError
from sqlscore.scoring.catalog import Catalog
from sqlscore.scoring.sql_types import (
    ACTIONS_SQL,
    CANDIDATES_SQL,
    GROUPED_STATE_SQL,
    SCORE_SQL,
    STATE_SQL,
    VISIT_SQL,
    WEIGHTS_SQL,
)

PREFIX = "open_this_file_with_sqlscore_connect__"
"""Stands before every internal name, so that the engine's "does not exist" says what to do."""

INSTANCE = PREFIX + "instance"
"""Takes nothing and returns the key of the instance's Catalog."""


@dataclass(frozen=True)
class Internal:
    """An internal function. Its code is imported at the first call: it needs torch, and opening a file should not.

    Attributes:
        name: without PREFIX.
        returns: the SQL type of what it returns.
        module: of `sqlscore.udfs`, in which its code is.
        function: its name there.
    """

    name: str
    returns: str
    module: str
    function: str

    @property
    def sql_name(self) -> str:
        """The name that is registered."""
        return PREFIX + self.name

    def body(self) -> Callable[..., pa.Array]:
        """The code, imported."""
        body: Callable[..., pa.Array] = getattr(import_module(f"sqlscore.udfs.{self.module}"), self.function)
        return body

    def bind(self, catalog: Catalog) -> Callable[..., pa.Array]:
        """The function as DuckDB calls it: any number of columns in, one column of the same length out."""

        def call(*columns: Any) -> pa.Array:
            result = self.body()(catalog, *(columns[:-1] if self.name in CHECKED else columns))
            if len(result) != len(columns[0]):
                raise SqlscoreError(
                    f"{self.name} made {len(result)} rows from {len(columns[0])}: this is a defect in sqlscore"
                )
            return result

        return call


CHECKED = frozenset(
    {
        *("next_action", "next_actions", "action_probability", "embedding", "path"),
        *("seconds_to_next", "seconds_at", "within", "next_visit"),
        *("explain_next", "attend"),
    }
)
"""Functions whose last argument is a condition that raises if a copy of the file is attached; the others are given the
high-water mark, which checks that as it is read."""

FUNCTIONS: tuple[Internal, ...] = (
    Internal("encode", STATE_SQL, "encode", "encode"),
    Internal("encode_grouped", GROUPED_STATE_SQL, "encode", "encode_grouped"),
    Internal("next_action", "VARCHAR", "next_action", "next_action"),
    Internal("next_actions", ACTIONS_SQL, "next_action", "next_actions"),
    Internal("action_probability", "FLOAT", "next_action", "action_probability"),
    Internal("seconds_to_next", "DOUBLE", "next_time", "seconds_to_next"),
    Internal("seconds_at", "DOUBLE[]", "next_time", "quantiles"),
    Internal("within", "FLOAT", "next_time", "within"),
    Internal("next_visit", VISIT_SQL, "next_time", "next_visit"),
    Internal("embedding", "FLOAT[]", "next_action", "embedding"),
    Internal("path", "VARCHAR[]", "path", "path"),
    Internal("churn", "FLOAT", "churn", "churn"),
    Internal("propensity", "FLOAT", "finetuned", "propensity"),
    Internal("expected_value", "DOUBLE", "finetuned", "expected_value"),
    Internal("value_quantiles", "DOUBLE[]", "finetuned", "value_quantiles"),
    Internal("uplift", "FLOAT", "finetuned", "uplift"),
    Internal("score", SCORE_SQL, "churn", "score"),
    Internal("explain_next", WEIGHTS_SQL, "explain", "explain_next_action"),
    Internal("explain_churn", WEIGHTS_SQL, "explain", "explain_churn"),
    Internal("explain_label", WEIGHTS_SQL, "explain", "explain_label"),
    Internal("attend", WEIGHTS_SQL, "attend", "attend"),
    Internal("best_action", CANDIDATES_SQL, "best_action", "best_action"),
)
