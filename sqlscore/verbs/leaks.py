"""What trains and judges models refuses a mapped view that shows them the future."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.queries import one as one_row
from sqlscore.errors import LintError, SqlscoreError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import unquoted
from sqlscore.verbs.lint import lint

if TYPE_CHECKING:
    from sqlscore.linting.findings import Finding


def refuse_leaks(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, allowed: Sequence[str], error: type[SqlscoreError]
) -> list[dict[str, str]] | None:
    """Raise if the mapped events are a view that shows models the future, unless the rules are allowed.

    What the view says of columns that are not mapped is left alone. A table is taken as it is.

    Args:
        con: A connection that `connect` made.
        mapping: The mapped events.
        allowed: Names of rules whose findings pass.
        error: What is raised.

    Returns what was let pass, for the notes of a model; None if there was nothing.
    """
    _check_rules(allowed, error)
    read = {column.casefold() for column in mapping.columns}
    found = [one for one in _found(con, mapping) if not one.column or one.column in read]
    refused = [one for one in found if one.reason is None and one.rule not in allowed]
    if refused:
        listed = "\n".join(f"  {one}" for one in refused)
        rules = " ".join(f"--allow-leak {rule}" for rule in dict.fromkeys(one.rule for one in refused))
        raise error(
            f"the mapped view {unquoted(mapping.relation)} shows models what came after the moment of an event:\n"
            f"{listed}\nmend the view, or allow it with a comment (docs/linting.md) or {rules}"
        )
    return _notes(found) or None


def refuse_leaks_of_query(
    con: duckdb.DuckDBPyConnection,
    query: str,
    allowed: Sequence[str],
    error: type[SqlscoreError],
    what: str = "the query",
) -> list[dict[str, str]]:
    """Likewise of a query whose rows are learned, called `what`; returns what was let pass, for a model's notes."""
    _check_rules(allowed, error)
    try:
        report = lint(con, query)
    except LintError as reason:
        warnings.warn(f"{what} was not looked at for leaks: {reason}", stacklevel=4)
        return []
    refused = [one for one in report.errors if one.rule not in allowed]
    if refused:
        listed = "\n".join(f"  {one}" for one in refused)
        rules = " ".join(f"--allow-leak {rule}" for rule in dict.fromkeys(one.rule for one in refused))
        raise error(
            f"{what} shows what came after the moment that a row speaks of:\n{listed}\nmend it, or allow it with a "
            f"comment (docs/linting.md) or {rules}"
        )
    return _notes([*report.errors, *report.allowed])


def _check_rules(allowed: Sequence[str], error: type[SqlscoreError]) -> None:
    if allowed:
        from sqlscore.linting.rules import NAMES

        unknown = sorted(set(allowed) - set(NAMES))
        if unknown:
            raise error(f"there is no rule {', '.join(unknown)}: the rules are {', '.join(NAMES)}")


def _notes(found: Sequence[Finding]) -> list[dict[str, str]]:
    """The errors among what was found, as a model's notes hold them."""
    return [
        {"rule": f.rule, "place": f.place, "column": f.column, "reason": f.reason or "--allow-leak"}
        for f in found
        if f.severity == "error"
    ]


def leaking_columns(con: duckdb.DuckDBPyConnection, mapping: Mapping, allowed: Sequence[str]) -> set[str]:
    """The columns of the mapped view, in lower case, that show what came after an event, but for allowed rules."""
    return {one.column for one in _found(con, mapping) if one.reason is None and one.rule not in allowed}


def _found(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[Finding]:
    """The errors in the mapped view, and what comments allow in it; nothing of a table."""
    name = unquoted(mapping.relation)
    if mapping.composition is not None or not _is_view(con, name):
        return []
    try:
        report = lint(con, name)
    except LintError as reason:
        warnings.warn(f"the view {name} was not looked at for leaks: {reason}", stacklevel=4)
        return []
    for unread in report.unread:
        warnings.warn(f"the view {name} was not looked at whole for leaks: {unread}", stacklevel=4)
    return [*report.errors, *report.allowed]


def _is_view(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a name is that of a view of the file."""
    schema, _, view = name.casefold().rpartition(".")
    query = """SELECT count(*) FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
               AND lower(schema_name) = ? AND lower(view_name) = ?"""
    row = one_row(con, query, [schema.rpartition(".")[2] or "main", view])
    return bool(row and row[0])
