"""What kind of value a column holds: which Arrow types are numbers and which are categories."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from sqlscore.errors import EventsError
from sqlscore.events.type_names import sql_name

Kind = Literal["categorical", "numeric"]


def kind_of(name: str, type_: pa.DataType) -> Kind:
    """How a column of this Arrow type is read when the user does not say.

    Raises EventsError for types that are neither: times, lists, structs, blobs.
    """
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if pa.types.is_boolean(type_) or is_text(type_):
        return "categorical"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "numeric"
    raise EventsError(
        f'feature column "{name}" has type {sql_name(type_)}, which is neither a category nor a number; '
        "cast it in a view over the events (to VARCHAR for a category, to DOUBLE for a number) and map the view"
    )


def sort_of(type_: pa.DataType) -> str | None:
    """What the texts of a column's values are made of: the same value of another sort has another text. None: no value.

    1 is '1', as a DECIMAL of two digits '1.00', and true is 'true'.
    """
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if pa.types.is_null(type_):
        return None
    if pa.types.is_integer(type_) or (pa.types.is_decimal(type_) and type_.scale == 0):
        return "whole numbers"
    if pa.types.is_decimal(type_):
        return f"numbers with {type_.scale} digits behind the point"
    if pa.types.is_floating(type_):
        return f"numbers of {type_.bit_width} bits"
    return "true and false" if pa.types.is_boolean(type_) else "text"


def is_text(type_: pa.DataType) -> bool:
    """Whether a column of this Arrow type holds text."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))
