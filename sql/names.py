"""The names inside the `.sql` texts, and how a second mapping gets the same objects under its own."""

from __future__ import annotations

import re

from sqlscore.quoting import identifier, literal
from sqlscore.sql.public_functions import PUBLIC

SCHEMA = "sqlscore"

REGISTRY_TABLES = (
    "meta",
    "mappings",
    "models",
    "versions",
    "aliases",
    "champions",
    "runs",
    "objects",
    "policy",
    "guards",
    "event_profiles",
)
"""Tables that all mappings share: they stay in schema `sqlscore`."""

MAPPING_TABLES = (
    "changed_users",
    "label_backtests",
    "leaderboard",
    "playbook",
    "refreshed",
    "scored_labels",
    "segment_value_at_risk",
    "user_states",
)
"""Tables that each mapping has in its own schema, made when they are needed."""

PREFIXED = frozenset(name for public in PUBLIC for name in (public.name, public.list_name))
"""The public functions: those of a second mapping have its prefix."""


_QUOTED = r'"(?:[^"]|"")*"'
_TOKEN = re.compile(
    rf"""--[^\n]*|/\*.*?\*/|\.\s*(?:\w+|{_QUOTED})
        |'(?P<text>(?:[^']|'')*)'
        |(?P<name>\w+|{_QUOTED})(?P<after>\s*\.\s*(?P<member>\w+|{_QUOTED})|\s*\(|)""",
    re.DOTALL | re.VERBOSE,
)
"""A comment or what stands behind a dot, which stay as they are; a string; a name with what follows it."""


def retarget(sql: str, schema: str, prefix: str) -> str:
    """Move the objects in `sql` to `schema`, and let the names of its scoring functions begin with `prefix`.

    The qualifier `sqlscore` becomes `schema`, quoted, except before registry tables. This also holds for a string that
    names an object, such as 'sqlscore.scored_users', since macros take the names of tables. Other strings and comments
    stay as they are.
    """
    if schema == SCHEMA and not prefix:
        return sql

    def moved(token: re.Match[str]) -> str:
        if token["text"] is not None:
            qualifier, _, name = token["text"].partition(".")
            moves = qualifier == SCHEMA and name.isidentifier() and name not in REGISTRY_TABLES
            return literal(f"{identifier(schema)}.{name}") if moves else token[0]
        if token["name"] is None:
            return token[0]
        name, after = _bare(token["name"]), token["after"]
        if name == SCHEMA and token["member"] is not None and _bare(token["member"]) not in REGISTRY_TABLES:
            return identifier(schema) + after
        if name in PREFIXED and after.endswith("("):
            return identifier(prefix + name) + after
        return token[0]

    return _TOKEN.sub(moved, sql)


def _bare(name: str) -> str:
    return name.strip('"').casefold()
