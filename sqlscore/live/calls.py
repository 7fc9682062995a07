"""Which functions a request asks for: those of SQL, by name, with the same parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa

from sqlscore.live.refusals import shown, wrong
from sqlscore.sql.public_functions import Public
from sqlscore.udfs.by_name import defaults, public_functions, repeated

OF_REQUEST = ("as_of", "model")
"""Parameters that a request gives once for all functions; as_of for each sequence too."""

_MOST = 10  # functions in a request


@dataclass(frozen=True)
class Call:
    """One function. key: what stands in the answer. values: its own parameters."""

    key: str
    public: Public
    values: Dict[str, Any] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The same for the same function with the same parameters under the same key."""
        return json.dumps([self.key, self.public.name, self.values], sort_keys=True)

    def columns(self, size: int, model: str | None, as_of: pa.Array) -> dict[str, pa.Array]:
        """(N,) every parameter by name."""
        given = {**defaults(self.public), **self.values, "model": model}
        names = [name for name, _ in self.public.parameters]
        return {name: as_of if name == "as_of" else repeated(given[name], size) for name in names}


def own_parameters(public: Public) -> list[str]:
    """The parameters that stand beside a function's name in a request."""
    return [name for name, _ in public.parameters if name not in OF_REQUEST]


def read_calls(given: Any) -> tuple[Call, ...]:
    """The functions of a request.

    Args:
        given: None for `score_events`, or a list of names and of objects with "function", its parameters, and "as".

    Raises Refusal where it is none of these.
    """
    if given is None:
        return _named(("score_events",))
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return _named(tuple(given))
    return _read(given)


@lru_cache(maxsize=256)
def _named(names: tuple[str, ...]) -> tuple[Call, ...]:
    """Functions without parameters, as most requests have them."""
    return _read(list(names))


def _read(given: Any) -> tuple[Call, ...]:
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST:
        raise wrong("functions", given, f'write a list of 1 to {_MOST} functions, such as ["churn_risk"]')
    calls = tuple(_call(one, f"functions[{number}]") for number, one in enumerate(given))
    keys = [call.key for call in calls]
    for number, key in enumerate(keys):
        if key in keys[:number] or key == "id":
            raise wrong(f"functions[{number}]", key, 'that name is taken in the answer: add "as": "another name"')
    return calls


def key_of(calls: tuple[Call, ...]) -> tuple[str, ...]:
    """The same for the same functions with the same parameters."""
    return tuple([call.text for call in calls])


def _call(given: Any, place: str) -> Call:
    if isinstance(given, str):
        given = {"function": given}
    if not isinstance(given, dict):
        raise wrong(place, given, 'write "churn_risk", or {"function": "predict_path", "n": 3}')
    name = given.get("function")
    known = public_functions()
    public = known.get(name) if isinstance(name, str) else None
    if public is None:
        raise wrong(f"{place}.function", name, f"take one of {', '.join(sorted(known))}")
    key = given.get("as", public.name)
    if not isinstance(key, str) or not key:
        raise wrong(f"{place}.as", key, "write a name")
    values = {name: value for name, value in given.items() if name not in ("function", "as")}
    takes = own_parameters(public)
    for parameter, value in values.items():
        if parameter in OF_REQUEST:
            raise wrong(f"{place}.{parameter}", value, f'"{parameter}" stands beside "functions", once for all of them')
        if parameter not in takes:
            raise wrong(
                f"{place}.{parameter}", value, f"{public.name} takes {', '.join(takes) or 'no parameter'}: leave it out"
            )
        _check_value(f"{place}.{parameter}", value)
    for parameter, default in public.parameters:
        if default is None and parameter not in values:
            raise wrong(place, given, f'{public.name} needs "{parameter}": add it')
    return Call(key, public, values)


def _check_value(place: str, value: Any) -> None:
    """A parameter is a number, a text, true or false, nothing, or a list of texts or of numbers."""
    plain = (str, int, float, bool, type(None))
    if isinstance(value, list):
        kinds = {str if isinstance(one, str) else float for one in value}
        if len(kinds) == 1 and all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in value):
            return
        raise wrong(place, value, "write a list of texts or of numbers")
    if not isinstance(value, plain) or (isinstance(value, int) and abs(value) >= 2**63):
        raise wrong(place, value, f"write a number, a text or a list, not {shown(value)}")
