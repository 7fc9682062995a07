"""What a manifest may say: every field with its type, checked before anything is built by it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sqlscore.errors import ArtifactError

_LARGEST = 1 << 20
"""The most floats of a state or of a representation."""


def check_fields(fields: dict[str, Any]) -> None:
    """Raises ArtifactError if a field is missing, unknown, or has a value that no manifest can have."""
    unknown = sorted(set(fields) - set(_FIELDS))
    if unknown:
        raise ArtifactError(f"its manifest has the field {unknown[0]!r}, which this sqlscore does not know")
    for name, (sound, expected) in _FIELDS.items():
        if name not in fields and name in _OF_SOME:
            continue
        if name not in fields:
            raise ArtifactError(f"its manifest lacks the field {name!r}")
        if not sound(fields[name]):
            raise ArtifactError(f"its manifest says {name} = {_shown(fields[name])}: expected {expected}")


def _shown(value: Any) -> str:
    """A value, shortened; a number of any length too, which Python would not write."""
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "a number of more than 64 bits"
    shown = repr(value) if not isinstance(value, dict | list) else f"a {type(value).__name__} of {len(value)}"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _distinct(value: Any) -> bool:
    return _texts(value) and len(set(value)) == len(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _number(value: Any) -> bool:
    """A finite one, as a float holds it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e300 < value < 1e300 and math.isfinite(value)


def _inputs(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"actions", "categorical", "numeric", "sorts"}:
        return False
    categorical, sorts = value["categorical"], value["sorts"]
    return (
        _distinct(value["actions"])
        and isinstance(categorical, dict)
        and all(_distinct(each) for each in categorical.values())
        and _distinct(value["numeric"])
        and isinstance(sorts, dict)
        and _texts(list(sorts.values()))
    )


def _or_null(sound: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or sound(value)


def _above_zero(value: Any) -> bool:
    return _number(value) and value > 0


def _weights(value: Any) -> bool:
    return isinstance(value, list) and all(_number(each) and each >= 0 for each in value)


def _horizons(value: Any) -> bool:
    """Rising ones, each with its weights."""
    return (
        isinstance(value, list)
        and all(isinstance(each, dict) and set(each) == {"seconds", "weights"} for each in value)
        and all(_above_zero(each["seconds"]) for each in value)
        and all(a["seconds"] < b["seconds"] for a, b in zip(value, value[1:], strict=False))
        and all(isinstance(each["weights"], list) and len(each["weights"]) == 3 for each in value)
        and all(_number(weight) for each in value for weight in each["weights"])
    )


_OF_SOME = ("horizons",)
"""Fields that a manifest may lack."""
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "format": (_size, "a whole number"),
    "architecture": (_text, "a name"),
    "config": (_table, "an object"),
    "inputs": (_inputs, "actions, categorical, numeric and sorts: lists of distinct names"),
    "heads": (_distinct, "a list of distinct names"),
    "capabilities": (_distinct, "a list of distinct names"),
    "state_size": (_size, f"a whole number up to {_LARGEST}"),
    "embedding_size": (_size, f"a whole number up to {_LARGEST}"),
    "fold": (_flag, "true or false"),
    "max_events": (_or_null(lambda value: _size(value) and value > 0), "a whole number, or null"),
    "horizon_seconds": (_or_null(_above_zero), "a number above 0, or null"),
    "lookback_seconds": (_or_null(_above_zero), "a number above 0, or null"),
    "horizons": (_horizons, "rising horizons, each with seconds and three weights"),
    "trained_from": (_text, "a moment"),
    "trained_to": (_text, "a moment"),
    "decision_weights": (_or_null(_weights), "a list of numbers from 0, or null"),
    "notes": (_table, "an object"),
    "metrics": (_table, "an object"),
}
