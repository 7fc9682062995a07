"""DuckDB's SQL as sqlglot reads it, with spans of time as they are written."""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.parsers.duckdb import DuckDBParser


class _Parser(DuckDBParser):
    """Keeps the text of a span. sqlglot 30.30's own loses what stands beside the only number and unit in it.

    `INTERVAL '1 day 12:00:00'` would be one day, and `INTERVAL '90 days ago'` 90 days ahead. See
    findings/sqlglot-interval-loses-time-and-ago.sh.
    """

    def _parse_interval_span(self, this: exp.Expr, parse_function_unit: bool = True) -> Any:
        if this and this.is_string:
            parts = exp.INTERVAL_STRING_RE.findall(this.name)
            if len(parts) == 1 and not exp.INTERVAL_STRING_RE.fullmatch(this.name):
                return self.expression(exp.Cast(this=this, to=exp.DataType.build("INTERVAL", dialect="duckdb")))
        return super()._parse_interval_span(this, parse_function_unit=parse_function_unit)


def read(text: str) -> list[exp.Expr]:
    """The statements in a text of DuckDB's SQL.

    Args:
        text: One statement or several.

    Raises SqlglotError if the text cannot be read.
    """
    parsed = _Parser(dialect="duckdb").parse(sqlglot.tokenize(text, read="duckdb"), text)
    return [one for one in parsed if one is not None]
