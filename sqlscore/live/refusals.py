"""Why a request is not answered: its field, the value in it, and what to do."""

from __future__ import annotations

import json
from typing import Any

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LONGEST = 80  # characters of a value that are repeated


class Refusal(Exception):  # noqa: N818 - the server is well, the request is not
    """A request that is not answered.

    Args:
        status: of HTTP.
        field: where in the request, such as "sequences[3].as_of"; empty if it is about no field.
        message: what was found, what was expected, what to do.
        headers: that the answer carries besides.
    """

    def __init__(self, status: int, field: str, message: str, headers: dict[str, str] | None = None) -> None:
        """See the class."""
        super().__init__(message)
        self.status = status
        self.field = field
        self.headers = headers or {}

    def to_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"field": self.field, "message": str(self)}}


def wrong(field: str, value: Any, expected: str) -> Refusal:
    """The refusal of a field's value. expected: what it should be, and how to write it."""
    return Refusal(422, field, f"{field} is {shown(value)}: {expected}")


def as_body(document: Any) -> bytes:
    """JSON in UTF-8. Half of a surrogate pair, which JSON can say and UTF-8 cannot, stays JSON's escape for it."""
    return _ENCODE(document).encode("utf-8", "backslashreplace")


def shown(value: Any) -> str:
    """A value of a request as JSON, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "nested too deep"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
