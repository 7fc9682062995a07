"""Whether what was read from stored text is what the annotations of its dataclass say."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_hints = cache(get_type_hints)


def require_annotated(value: Any) -> None:
    """Look at every field of a dataclass, and of those inside it.

    Args:
        value: The dataclass; its fields are texts, whole numbers, flags, literals, tuples, dataclasses, or None where
            they may be.

    Raises TypeError that names the first field of another type, or with text that no database can hold.
    """
    hints = _hints(type(value))  # type: ignore[arg-type]  # a class can be hashed
    for field in fields(value):
        found = getattr(value, field.name)
        if not _is(found, hints[field.name]):
            raise TypeError(f"{field.name} is {str(found)[:40]!r}")


def _is(value: Any, kind: Any) -> bool:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_is(value, part) for part in parts)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = (parts[0],) * len(value) if parts[1:] == (Ellipsis,) else parts
        return len(kinds) == len(value) and all(map(_is, value, kinds))
    if is_dataclass(kind):
        if type(value) is not kind:
            return False
        require_annotated(value)
        return True
    if kind in (None, NoneType):
        return value is None
    if kind is str:
        return isinstance(value, str) and "\0" not in value and _is_unicode(value)
    return type(value) is kind and (kind is not int or abs(value) < 1 << 63)


def _is_unicode(text: str) -> bool:
    """JSON can write half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
