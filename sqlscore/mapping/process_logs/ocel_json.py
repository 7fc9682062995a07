"""OCEL 2.0 as JSON, read one event or object at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.json_pieces import JsonPieces
from sqlscore.mapping.process_logs.ocel import KINDS, OCEL_1, Ocel


def read_ocel_json(path: Path, log: Ocel) -> None:
    """Read the events, objects and links of a file.

    Args:
        path: The file.
        log: Takes them.

    Raises MappingError if the file is damaged, or no OCEL 2.0.
    """
    kinds: dict[tuple[str, str], str] = {}
    keys: dict[str, None] = {}
    with path.open("rb") as file:
        pieces = JsonPieces(file)
        try:
            for key, item in pieces.items():
                keys[key] = None
                _take(path, log, key, item, kinds)
        except (KeyError, TypeError, AttributeError) as error:
            raise MappingError(
                f'{path} is not an OCEL 2.0 log: in "{key}", after {log.events.n_rows} events, something lacks what '
                f"the format has ({type(error).__name__}: {error}): export it again"
            ) from error
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise MappingError(
                f"{path} is damaged or ends too early, in its first {pieces.n_bytes} bytes, after {log.events.n_rows} "
                f"events: {what}: copy or export it again"
            ) from error
    missing = [key for key in ("objects", "events") if key not in keys]
    if missing:
        shown = ", ".join(f'"{key}"' for key in list(keys)[:12]) or "none"
        raise MappingError(f'{path} is not an OCEL 2.0 log: it has no "{missing[0]}", or an empty one (keys: {shown})')


def _take(path: Path, log: Ocel, key: str, item: Any, kinds: dict[tuple[str, str], str]) -> None:
    if key.startswith("ocel:"):
        raise MappingError(f"{path} {OCEL_1}")
    if key == "eventTypes":
        for attribute in item.get("attributes", ()):
            kinds[item["name"], attribute["name"]] = KINDS.get(attribute.get("type", ""), "string")
    elif key == "objects":
        log.add_object(str(item["id"]), str(item["type"]))
    elif key == "events":
        identity, kind = str(item["id"]), str(item["type"])
        for attribute in item.get("attributes") or ():
            name, value = attribute["name"], attribute.get("value")
            if value is not None:
                declared = kinds.get((kind, name)) or _kind(value)
                log.events.put(declared, name, value if isinstance(value, str) else json.dumps(value))
        for link in item.get("relationships") or ():
            log.add_link(identity, str(link["objectId"]), str(link.get("qualifier") or ""))
        log.add_event(identity, kind, item.get("time"))


def _kind(value: Any) -> str:
    """The kind of an attribute that is not declared, by its value."""
    if isinstance(value, bool):
        return "boolean"
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else "string"
