"""Renaming inside a `.sql` text, token by token."""

from __future__ import annotations

from sqlglot import Token, TokenType
from sqlglot.dialects.duckdb import DuckDB

from sqlscore.quoting import identifier, literal
from sqlscore.sql.names import PREFIXED, REGISTRY_TABLES, SCHEMA

_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)


def rewrite(sql: str, schema: str, prefix: str) -> str:
    """See `sqlscore.sql.retarget`, which calls this where a name changes."""
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
    token = tokens[i]
    follower = tokens[i + 1].token_type if i + 1 < len(tokens) else None
    after_dot = i > 0 and tokens[i - 1].token_type == TokenType.DOT
    if token.token_type == TokenType.STRING:
        qualifier, _, name = token.text.partition(".")
        if qualifier == SCHEMA and name.isidentifier() and name not in REGISTRY_TABLES:
            return literal(f"{identifier(schema)}.{name}")
    elif token.token_type in _NAMES and not after_dot:
        name = token.text.casefold()
        if name == SCHEMA and follower == TokenType.DOT and tokens[i + 2].text.casefold() not in REGISTRY_TABLES:
            return identifier(schema)
        if name in PREFIXED and follower == TokenType.L_PAREN:
            return identifier(prefix + name)
    return None
