"""Scoring on Apache Spark, with the models, the events and the code of DuckDB: `register` and `score`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlscore.spark.bulk import score
    from sqlscore.spark.functions import register

__all__ = ["register", "score"]

_HOMES = {"register": "functions", "score": "bulk"}


def __getattr__(name: str) -> Any:
    """Import what is used: a Python worker needs neither, and starts without them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sqlscore.spark' has no attribute {name!r}")
    return getattr(import_module(f"sqlscore.spark.{_HOMES[name]}"), name)
