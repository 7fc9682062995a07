"""How an engine spells what a rule writes: templates of its SQL with :names for the pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.templates import target


@dataclass(frozen=True)
class Words:
    """The words of one engine.

    Attributes:
        name: as sqlglot calls it.
        engine: its name in messages.
        types: its names of DuckDB's types; those that are not named have no equal there.
        templates: its SQL for each operation; those that are not named are refused.
        refusals: why an operation that is not named is refused.
        filters: whether aggregates have FILTER.
        nan_is_greatest: whether NaN equals itself and is above all other numbers, as in DuckDB.
        raises_at_zero: whether a division by 0 raises.
        most_after_the_point: how many digits after the point an exact number may have.
        collation: what to write after a text that is compared, so that it is compared by its bytes.
    """

    name: str
    engine: str
    types: Mapping[str, str]
    templates: Mapping[str, str]
    refusals: Mapping[str, str] = field(default_factory=dict)
    filters: bool = False
    nan_is_greatest: bool = True
    raises_at_zero: bool = True
    most_after_the_point: int = 38
    collation: str = ""

    def write(self, template: str, **pieces: exp.Expr | str | int) -> exp.Expr:
        """An expression of the engine's SQL around pieces that are still DuckDB's."""
        return target(self.name, template, **pieces)

    def said(self, operation: str, rule: str, **pieces: exp.Expr | str | int) -> exp.Expr:
        """An operation in the engine's words.

        Raises Refused, by this rule, if the engine has none for it.
        """
        template = self.templates.get(operation)
        if template is None:
            raise Refused(rule, self.refusals.get(operation, f"{self.engine} has no equal of it: write it otherwise"))
        return self.write(template, **pieces)

    def type_name(self, kind: str) -> str:
        """The engine's name of a type of DuckDB's.

        Raises Refused if it has none.
        """
        if kind not in self.types:
            known = ", ".join(one for one in ("BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP") if one in self.types)
            raise Refused("cast", f"{kind} has no equal type in {self.engine}: use {known}")
        return self.types[kind]
