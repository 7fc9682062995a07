"""Customer-behaviour scoring inside DuckDB. See README for the SQL; these are the verbs in Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlscore.backtesting import backtest
    from sqlscore.comparison import compare
    from sqlscore.derived import materialize, score_history
    from sqlscore.erasure import forget_user
    from sqlscore.errors import SqlscoreError
    from sqlscore.health import status
    from sqlscore.learning import evaluate, train
    from sqlscore.mapping import map_events, unmap
    from sqlscore.materialization import refresh
    from sqlscore.plotting import plot
    from sqlscore.publishing import publish
    from sqlscore.registry import drop_model, export_model, import_model, list_models, promote
    from sqlscore.searching import search
    from sqlscore.serving.policy import set_policy
    from sqlscore.session import connect
    from sqlscore.tracking import track

__version__ = "0.1.0"

__all__ = [
    "SqlscoreError",
    "backtest",
    "compare",
    "connect",
    "drop_model",
    "evaluate",
    "export_model",
    "forget_user",
    "import_model",
    "list_models",
    "map_events",
    "materialize",
    "plot",
    "promote",
    "publish",
    "refresh",
    "score_history",
    "search",
    "set_policy",
    "status",
    "track",
    "train",
    "unmap",
]

_HOMES = {
    "SqlscoreError": "errors",
    "backtest": "backtesting",
    "compare": "comparison",
    "connect": "session",
    "drop_model": "registry",
    "evaluate": "learning",
    "export_model": "registry",
    "forget_user": "erasure",
    "import_model": "registry",
    "list_models": "registry",
    "map_events": "mapping",
    "materialize": "derived",
    "plot": "plotting",
    "promote": "registry",
    "publish": "publishing",
    "refresh": "materialization",
    "score_history": "derived",
    "search": "searching",
    "set_policy": "serving.policy",
    "status": "health",
    "track": "tracking",
    "train": "learning",
    "unmap": "mapping",
}


def __getattr__(name: str) -> Any:
    """Import a verb's module when the verb is first used: `import sqlscore` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sqlscore' has no attribute {name!r}")
    return getattr(import_module(f"sqlscore.{_HOMES[name]}"), name)
