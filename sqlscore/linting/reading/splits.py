"""Rows that chance or a hash puts on one side or the other."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlscore.linting.observations import Split
from sqlscore.linting.reading.scope import Reader, Scope
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Value

_SPLIT = re.compile(
    r"(^|_|\b)(train(ing)?|test(ing)?|valid(ation)?|val|holdout|hold_out|held_out|fold|folds|split|dev|oos|"
    r"eval(uation)?|set|part|subset|partition|kfold|is_train|is_test|cv)(_|\b|$)",
    re.IGNORECASE,
)


def names_a_split(text: str) -> bool:
    """Whether a word says that rows are split for training and testing."""
    return _SPLIT.search(text) is not None


def note_split(reader: Reader, scope: Scope, node: exp.Expr, value: Value, name: str = "") -> None:
    """Note a condition or a value that rests on chance or on a hash of what it is.

    Args:
        reader: Notes it.
        scope: The rows.
        node: The condition, or the value with its name.
        value: What it depends on.
        name: Of the column; of a condition nothing.
    """
    kinds = value.tags & {"random", "hash"}
    if not kinds:
        return
    names = [name] if name else []
    names += [literal.name for literal in node.find_all(exp.Literal) if literal.is_string]
    names += _around(node)
    reader.seen.splits.append(
        Split(node, "random" if "random" in kinds else _hashed(scope, node), scope.event, tuple(names))
    )


def note_sample(reader: Reader, node: exp.TableSample, relation: Relation) -> None:
    """Note rows that are drawn by chance."""
    reader.seen.splits.append(Split(node, "random", relation.event, tuple(_around(node))))


def _hashed(scope: Scope, node: exp.Expr) -> str:
    """Whether a hash is of the user alone, or of single rows."""
    for call in node.find_all(exp.Func):
        name = call.name.casefold() if isinstance(call, exp.Anonymous) else call.sql_name().casefold()
        if not re.search(r"hash|md5|sha|fingerprint", name):
            continue
        columns = [scope.column(one.name.casefold(), one.table.casefold()) for one in call.find_all(exp.Column)]
        if columns and all(one is not None and "user" in one.tags for one in columns):
            return "user"
    return "row"


def _around(node: exp.Expr) -> list[str]:
    """Names of the queries around: of CTEs, and of the table that is made."""
    found: list[str] = []
    above = node.parent
    while above is not None:
        if isinstance(above, (exp.CTE, exp.Subquery)) and above.alias:
            found.append(above.alias)
        if isinstance(above, exp.Create):
            found.append(above.this.name if isinstance(above.this, (exp.Table, exp.Schema)) else "")
        above = above.parent
    name = next((one.meta["sqlscore_output"] for one in (node, *_parents(node)) if "sqlscore_output" in one.meta), "")
    return [one for one in [*found, str(name)] if one]


def _parents(node: exp.Expr) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    above = node.parent
    while above is not None:
        found.append(above)
        above = above.parent
    return found
