"""A target out of the words of an engine: the rules that all of them share, bound to these words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper

from sqlglot import exp

from sqlscore.dialects.joins import without_semi_joins
from sqlscore.dialects.refusal import Refusal
from sqlscore.dialects.strict import Dialect, Rule
from sqlscore.dialects.structure import named_window, recursion, table
from sqlscore.dialects.warehouse.aggregates import AGGREGATES
from sqlscore.dialects.warehouse.comparisons import COMPARISONS
from sqlscore.dialects.warehouse.structure import SAME, STRUCTURE, numbers_joined, without_lateral, without_values
from sqlscore.dialects.warehouse.times import TIMES
from sqlscore.dialects.warehouse.values import VALUES
from sqlscore.dialects.warehouse.words import Words

WordedRule = Callable[[Words, exp.Expr], exp.Expr | None]
"""A rule that needs an engine's words."""


def warehouse(
    words: Words,
    *,
    rules: tuple[Rule, ...] = (),
    same: tuple[type[exp.Expr], ...] = (),
    quoted: bool = True,
    gives_rows_in_select: bool = False,
) -> Dialect:
    """The target of an engine.

    Args:
        words: Its words.
        rules: Its own rules, which come first.
        same: Its own kinds of nodes that mean the same.
        quoted: Whether all names are quoted.
        gives_rows_in_select: Whether it has functions that give rows in a SELECT, LATERAL and tables of VALUES.
    """

    def prepare(query: exp.Expr, refusals: list[Refusal]) -> exp.Expr:
        query = without_semi_joins(query)
        if gives_rows_in_select:
            return query
        return numbers_joined(words, without_values(without_lateral(query)), refusals)

    shared = (*STRUCTURE, *TIMES, *COMPARISONS, *VALUES, *AGGREGATES)
    return Dialect(
        name=words.name,
        same=(*SAME, *same),
        rules=(*rules, named_window, recursion, table, *(_bound(rule, words) for rule in shared)),
        prepare=prepare,
        quoted=quoted,
    )


def _bound(rule: WordedRule, words: Words) -> Rule:
    return update_wrapper(partial(rule, words), rule)
