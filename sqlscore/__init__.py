"""Customer-behaviour scoring inside DuckDB. See README for the SQL; these are the verbs in Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from sqlscore.errors import SqlscoreError
    from sqlscore.mapping.composition.identity import Identity
    from sqlscore.mapping.composition.sources import Source
    from sqlscore.verbs.advise import advise, assign
    from sqlscore.verbs.backtest import backtest
    from sqlscore.verbs.compare import compare
    from sqlscore.verbs.connect import connect
    from sqlscore.verbs.exports import export_sql, map_export
    from sqlscore.verbs.finetune import finetune
    from sqlscore.verbs.forget import forget_user
    from sqlscore.verbs.lint import lint
    from sqlscore.verbs.mapping import map_events, unmap
    from sqlscore.verbs.materialize import materialize, score_history
    from sqlscore.verbs.models import drop_model, export_model, import_model, list_models, promote, rollback
    from sqlscore.verbs.plot import plot
    from sqlscore.verbs.policy import set_policy
    from sqlscore.verbs.pretrain import pretrain
    from sqlscore.verbs.publish import publish
    from sqlscore.verbs.refresh import refresh
    from sqlscore.verbs.repair import repair
    from sqlscore.verbs.report import report
    from sqlscore.verbs.score import score
    from sqlscore.verbs.search import search
    from sqlscore.verbs.status import status
    from sqlscore.verbs.track import track
    from sqlscore.verbs.train import evaluate, train
    from sqlscore.verbs.transpile import transpile
    from sqlscore.verbs.vacuum import vacuum
    from sqlscore.verbs.watch import unwatch, watch

__all__ = [
    "Identity",
    "Source",
    "SqlscoreError",
    "advise",
    "assign",
    "backtest",
    "compare",
    "connect",
    "drop_model",
    "evaluate",
    "export_model",
    "export_sql",
    "finetune",
    "forget_user",
    "import_model",
    "lint",
    "list_models",
    "map_events",
    "map_export",
    "materialize",
    "plot",
    "pretrain",
    "promote",
    "publish",
    "refresh",
    "repair",
    "report",
    "rollback",
    "score",
    "score_history",
    "search",
    "set_policy",
    "status",
    "track",
    "train",
    "transpile",
    "unmap",
    "unwatch",
    "vacuum",
    "watch",
]

_HOMES = {
    "Identity": "mapping.composition.identity",
    "Source": "mapping.composition.sources",
    "SqlscoreError": "errors",
    "advise": "verbs.advise",
    "assign": "verbs.advise",
    "backtest": "verbs.backtest",
    "compare": "verbs.compare",
    "connect": "verbs.connect",
    "drop_model": "verbs.models",
    "evaluate": "verbs.train",
    "export_model": "verbs.models",
    "export_sql": "verbs.exports",
    "finetune": "verbs.finetune",
    "forget_user": "verbs.forget",
    "import_model": "verbs.models",
    "lint": "verbs.lint",
    "list_models": "verbs.models",
    "map_events": "verbs.mapping",
    "map_export": "verbs.exports",
    "materialize": "verbs.materialize",
    "plot": "verbs.plot",
    "pretrain": "verbs.pretrain",
    "promote": "verbs.models",
    "publish": "verbs.publish",
    "refresh": "verbs.refresh",
    "repair": "verbs.repair",
    "report": "verbs.report",
    "rollback": "verbs.models",
    "score": "verbs.score",
    "score_history": "verbs.materialize",
    "search": "verbs.search",
    "set_policy": "verbs.policy",
    "status": "verbs.status",
    "track": "verbs.track",
    "train": "verbs.train",
    "transpile": "verbs.transpile",
    "unmap": "verbs.mapping",
    "unwatch": "verbs.watch",
    "watch": "verbs.watch",
    "vacuum": "verbs.vacuum",
}


def __getattr__(name: str) -> Any:
    """Import a verb's module when the verb is first used: `import sqlscore` costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("sqlscore")
    if name not in _HOMES:
        raise AttributeError(f"module 'sqlscore' has no attribute {name!r}")
    return getattr(import_module(f"sqlscore.{_HOMES[name]}"), name)
