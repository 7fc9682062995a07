"""Statements of DuckDB as sqlglot reads them, and the query in each that says of moments what it says."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.generators.duckdb import DuckDBGenerator

from sqlscore.dialects.reading import read
from sqlscore.dialects.refusal import note_places
from sqlscore.errors import LintError
from sqlscore.excerpts import excerpt

_READERS = (SqlglotError, RecursionError, AttributeError, TypeError, ValueError, IndexError, KeyError)
"""What sqlglot raises for text that is no SQL, or nested too deep."""
_UNDERLINED = re.compile(r"\x1b\[\d+m")
_AROUND = re.compile(r"(?is)^\s*(?:explain(?:\s+analyze)?|prepare\s+\S+\s+as)\b")


def statements(text: str, name: str) -> list[exp.Expr]:
    """The statements in a text, whose nodes know where they stand.

    Args:
        text: One statement or several, or a view as DuckDB shows it.
        name: What to call the text in messages.

    Raises LintError if the text cannot be read.
    """
    try:
        found = read(_lambdas_bare(text))
        for one in found:
            note_places(one, name)
    except _READERS as error:
        reason = excerpt(_UNDERLINED.sub("", str(error)), 300) or type(error).__name__
        raise LintError(f"{name} cannot be read as DuckDB's SQL: {reason}") from error
    return found


def _lambdas_bare(text: str) -> str:
    """Without the parentheses in which views hold lambdas: sqlglot knows none there. Lines stay as they are."""
    if "(lambda " not in text.casefold():
        return text
    characters = list(text)
    opened: list[int | None] = []
    tokens = sqlglot.tokenize(text, read="duckdb")
    for index, token in enumerate(tokens):
        if token.token_type.name == "L_PAREN":
            after, before = tokens[index + 1 : index + 2], tokens[max(index - 1, 0)]
            is_lambda = after and after[0].text.casefold() == "lambda" and before.text in ("(", ",")
            opened.append(token.start if is_lambda else None)
        elif token.token_type.name == "R_PAREN" and opened:
            start = opened.pop()
            if start is not None:
                characters[start] = characters[token.start] = " "
    return "".join(characters)


class _Printer(DuckDBGenerator):
    """Prints what was read. sqlglot 30.30's own takes the tables from columns in all CTEs before a PIVOT.

    See findings/sqlglot-pivot-statement-drops-qualifiers.sh.
    """

    TRANSFORMS: ClassVar[dict[type[exp.Expr], Any]] = {
        kind: print_ for kind, print_ in DuckDBGenerator.TRANSFORMS.items() if kind is not exp.Pivot
    }


def printed(query: exp.Expr) -> str:
    """A query as text that DuckDB can run."""
    return _Printer(dialect="duckdb").generate(query)


def query_of(statement: exp.Expr, name: str) -> tuple[exp.Expr | None, str]:
    """The query in a statement with the name of what it makes; None if the statement has none that is looked at.

    Args:
        statement: From `statements`.
        name: Of the text.
    """
    if isinstance(statement, (exp.Query, exp.Values)):
        return statement, ""
    if isinstance(statement, exp.Pivot):
        rows = exp.Select(expressions=[exp.Star()]).from_(exp.Subquery(this=statement))
        rows.meta.update(statement.meta)
        return rows, ""
    if isinstance(statement, exp.Create) and isinstance(statement.expression, exp.Query):
        if isinstance(statement.this, exp.UserDefinedFunction):
            _fill_parameters(statement)
        return statement.expression, _named(statement.this)
    if isinstance(statement, (exp.Insert, exp.Copy)):
        query = statement.expression if isinstance(statement, exp.Insert) else statement.this
        query = query.this if isinstance(query, exp.Subquery) and isinstance(query.this, exp.Query) else query
        if isinstance(query, exp.Query):
            return query, _named(statement.this) if isinstance(statement, exp.Insert) else ""
    if isinstance(statement, exp.Update) and isinstance(statement.this, exp.Table):
        return _of_update(statement), ""
    if isinstance(statement, exp.Command):
        inner = printed(statement)
        around = _AROUND.match(inner)
        found = statements(inner[around.end() :], name) if around is not None else []
        return query_of(found[0], name) if len(found) == 1 else (None, "")
    return None, ""


def is_passed_over(statement: exp.Expr) -> bool:
    """Whether a statement that has no query to look at has one all the same, such as the source of a MERGE."""
    return isinstance(statement, exp.Command) or statement.find(exp.Select) is not None


def _fill_parameters(statement: exp.Create) -> None:
    """The parameters of a macro as those of a query."""
    names = {one.name.casefold() for one in statement.this.expressions}
    for column in list(statement.expression.find_all(exp.Column)):
        if not column.table and column.name.casefold() in names:
            column.replace(exp.Parameter(this=exp.var(column.name)))


def _of_update(statement: exp.Update) -> exp.Expr:
    """UPDATE t SET a = b FROM c WHERE d as the rows that t has then."""
    table = statement.this
    shown = [
        exp.alias_(one.expression.copy(), one.this.name) for one in statement.expressions if isinstance(one, exp.EQ)
    ]
    star = exp.Star(**{"except_": [exp.to_identifier(one.alias) for one in shown]})
    rows = exp.Column(this=star, table=exp.to_identifier(table.alias_or_name))
    query = exp.Select(expressions=[rows, *shown]).from_(table.copy())
    source = statement.args.get("from_") or statement.args.get("from")
    if source is not None:
        query = query.join(source.this.copy(), join_type="cross")
    where = statement.args.get("where")
    return query.where(where.this.copy()) if where is not None else query


def _named(node: exp.Expr) -> str:
    table = node.find(exp.Table) if not isinstance(node, exp.Table) else node
    return table.name if table is not None else ""
