"""Optional libraries: each is imported when it is needed; if it is missing, the error names the extra to install."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def optional(module: str, need: str, *, extra: str, error: type[Exception]) -> Any:
    """Import a module of an optional library.

    Args:
        module: its dotted name, such as "lightgbm".
        need: what needs which library, as the error's first words: "gbm needs LightGBM".
        extra: the extra of sqlscore that installs it.
        error: raised if the library is not installed or cannot be loaded.
    """
    try:
        return import_module(module)
    except (ImportError, OSError) as reason:
        raise error(_advice(f"{need} ({reason})", extra)) from reason


def require(module: str, need: str, *, extra: str, error: type[Exception]) -> None:
    """Raise `error` if an optional library is not installed, without importing it; parameters as in `optional`."""
    if find_spec(module) is None:
        raise error(_advice(need, extra))


def _advice(need: str, extra: str) -> str:
    return f"{need}: pip install 'sqlscore[{extra}]'"
