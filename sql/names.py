"""The names inside the `.sql` texts, and how a second mapping gets the same objects under its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlscore.quoting import identifier, literal
from sqlscore.sql.public_functions import PUBLIC

if TYPE_CHECKING:
    from sqlglot import Token

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


def retarget(sql: str, schema: str, prefix: str) -> str:
    """Move the objects in `sql` to `schema`, and let the names of its scoring functions begin with `prefix`.

    The qualifier `sqlscore` becomes `schema`, quoted, except before registry tables. This also holds for a string that
    names an object, such as 'sqlscore.scored_users', since macros take the names of tables. Other strings and comments
    stay as they are.
    """
    if schema == SCHEMA and not prefix:
        return sql
    from sqlglot.dialects.duckdb import DuckDB  # a fifth of a second, which a first mapping does not need

    tokens = DuckDB.Tokenizer().tokenize(sql)
    pieces: list[str] = []
    done = 0
    for i, token in enumerate(tokens):
        replacement = _replacement(tokens, i, schema, prefix)
        if replacement is not None:
            pieces += (sql[done : token.start], replacement)
            done = token.end + 1
    return "".join((*pieces, sql[done:]))


def _replacement(tokens: list[Token], i: int, schema: str, prefix: str) -> str | None:
    """What to write instead of token i, or None to leave it."""
    from sqlglot import TokenType

    token = tokens[i]
    follower = tokens[i + 1].token_type if i + 1 < len(tokens) else None
    after_dot = i > 0 and tokens[i - 1].token_type == TokenType.DOT
    if token.token_type == TokenType.STRING:
        qualifier, _, name = token.text.partition(".")
        if qualifier == SCHEMA and name.isidentifier() and name not in REGISTRY_TABLES:
            return literal(f"{identifier(schema)}.{name}")
    elif token.token_type in (TokenType.VAR, TokenType.IDENTIFIER) and not after_dot:
        name = token.text.casefold()
        if name == SCHEMA and follower == TokenType.DOT and tokens[i + 2].text.casefold() not in REGISTRY_TABLES:
            return identifier(schema)
        if name in PREFIXED and follower == TokenType.L_PAREN:
            return identifier(prefix + name)
    return None
