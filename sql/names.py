"""The names inside the `.sql` texts, and how a second mapping gets the same objects under its own."""

from __future__ import annotations

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
    from sqlscore.sql.rewriting import rewrite  # sqlglot: only where there is something to rename

    return rewrite(sql, schema, prefix)
