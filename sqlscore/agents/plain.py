"""Values of the engine as an agent reads them: as JSON has them, and no longer than it needs."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_LONGEST_TEXT = 300  # characters of one value


def plain(value: Any, longest: int = _LONGEST_TEXT) -> Any:
    """A value as JSON has it: long text is cut and says so, what is no number is null."""
    if isinstance(value, dict):
        return {str(name): plain(each, longest) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, longest) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    text = value if isinstance(value, str) else _as_text(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text):,} characters)"


def _as_text(value: object) -> str:
    try:
        return json.dumps(value)
    except TypeError:
        return str(value)
