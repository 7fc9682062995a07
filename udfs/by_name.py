"""A public function called by name on columns of Arrow: for programs in which no SQL of DuckDB calls it."""

from __future__ import annotations

import ast
from collections.abc import Mapping as Dict
from functools import cache
from typing import Any

import pyarrow as pa

from sqlscore.events.mapping import Mapping
from sqlscore.scoring.catalog import Catalog
from sqlscore.sql.public_functions import PUBLIC, Public
from sqlscore.udfs.functions import FUNCTIONS, Internal

_HEADS = {function.name: function for function in FUNCTIONS}


@cache
def public_functions() -> dict[str, Public]:
    """The public functions by name."""
    return {public.name: public for public in PUBLIC}


def head_of(public: Public) -> Internal:
    """The internal function that gives a public function's value."""
    return _HEADS[public.head]


def defaults(public: Public) -> dict[str, Any]:
    """The parameters that need not be given, with their values; None is NULL."""
    given = {name: default for name, default in public.parameters if default is not None}
    return {name: None if default == "NULL" else ast.literal_eval(default) for name, default in given.items()}


def repeated(value: Any, size: int, kind: pa.DataType | None = None) -> pa.Array:
    """A column of `size` times the same value."""
    return pa.array([value], kind).take(pa.repeat(0, size))


class Lists:
    """N lists of events on which functions are called; those that read a state share one encoding.

    Args:
        catalog: knows the models.
        mapping: what the columns of the events are called.
        events: N lists, as the SQL functions take them.
        newest: (N,) TIMESTAMP, what stands in for an as_of that is NULL.
    """

    def __init__(self, catalog: Catalog, mapping: Mapping, events: pa.Array, newest: pa.Array) -> None:
        """See the class."""
        self._catalog = catalog
        self._mapping = mapping
        self._parts = {"{events}": events, "{mapping}": repeated(mapping.name, len(events)), "{high_water}": newest}
        self._states: dict[str | None, pa.Array] = {}

    def call(self, public: Public, values: Dict[str, pa.Array]) -> pa.Array:
        """(N,) what the function gives.

        Args:
            public: the function.
            values: (N,) each of its parameters by name.

        Raises EventsError or ModelError as the SQL function does.
        """
        parts = {**self._parts, **values}
        if "{state}" in public.arguments:
            parts["{state}"] = self._state(values["model"])
        return head_of(public).body()(self._catalog, *(parts[argument] for argument in public.arguments))

    def _state(self, model: pa.Array) -> pa.Array:
        encode = _HEADS["encode" if self._mapping.group is None else "encode_grouped"]
        labels = model.unique().to_pylist()
        known = self._states.get(labels[0]) if len(labels) == 1 else None
        if known is None:
            known = encode.body()(self._catalog, self._parts["{events}"], model, self._parts["{mapping}"])
            if len(labels) == 1:
                self._states[labels[0]] = known
        return known
