"""The names inside the `.sql` texts, and how a second mapping gets the same objects under its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlscore.quoting import identifier, literal

if TYPE_CHECKING:
    from sqlglot import Token

SCHEMA = "sqlscore"

REGISTRY_TABLES: frozenset[str] = frozenset(
    {"aliases", "mappings", "meta", "models", "objects", "policy", "runs", "versions"}
)
"""Tables that all mappings share: they stay in schema `sqlscore`."""

SCORING_FUNCTIONS: tuple[str, ...] = (
    "attend_events",
    "best_next_action",
    "churn_risk",
    "embed_events",
    "explain_churn_risk",
    "explain_next_action",
    "next_action_probability",
    "predict_next_action",
    "predict_next_actions",
    "predict_path",
    "score_events",
    "seconds_to_next_action",
)
"""The public functions in their row form; each has a twin `list_...`."""

PREFIXED = frozenset(SCORING_FUNCTIONS) | {f"list_{name}" for name in SCORING_FUNCTIONS}


def retarget(sql: str, schema: str, prefix: str) -> str:
    """`sql` with its objects in `schema` and with scoring functions that begin with `prefix`.

    The qualifier `sqlscore` becomes `schema`, quoted, except before registry tables; so does it in a string that
    names an object ('sqlscore.scored_users', as macros take it). Names inside other strings and inside comments
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
