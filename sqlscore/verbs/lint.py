"""The verb `lint`: whether what a query says of a moment rests on what came later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sqlscore.database.catalog import catalog
from sqlscore.errors import LintError
from sqlscore.excerpts import excerpt
from sqlscore.quoting import unquoted

if TYPE_CHECKING:
    from sqlglot import exp

    from sqlscore.linting.catalog import Catalog
    from sqlscore.linting.lint import Text
    from sqlscore.linting.report import LintReport

_QUERY = re.compile(
    r"(?is)(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:(?:select|with|from|values|create|insert|copy|pivot|set|use|update|delete|alter|drop|attach|call|install|load|export|describe|summarize|explain|merge|comment|execute|prepare|unpivot|vacuum|pragma|truncate|analyze|show|table)\b|\()"
)
"""How SQL begins, behind comments; anything else is a name."""
_NAME = re.compile(r'(?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+"))*')


def lint(
    con: duckdb.DuckDBPyConnection, what: str | Path | Sequence[str | Path], *, prove: bool = False, seed: int = 0
) -> LintReport:
    """Say where a query shows a model what came after the moment that it speaks of.

    Each value of the result is followed back to the rows that it is made of, through views, macros, CTEs, joins,
    windows and subqueries, and the times of these rows are compared with the row's own moment. docs/linting.md lists
    the rules. A comment `-- sqlscore: allow RULE because REASON` lets a finding pass.

    Args:
        con: A connection that `connect` made.
        what: A SELECT or several statements, the name of a view, a call of a macro that gives a table, a .sql file, or
            the folder of a dbt project; or several of these.
        prove: Also run each query on a copy of the data, with everything after random moments taken away, and compare
            what it says of the moments before. The user's file is only read.
        seed: Of the random moments.

    Returns the findings, errors first; `is_clean` says whether there is no error. Nothing is run unless `prove` is set.

    Raises LintError if a text cannot be read.

    Examples:
        >>> sqlscore.lint(con, "SELECT user_id, event_time, avg(price) OVER () AS mean FROM events").findings[0].rule
        'whole-table'
    """
    from sqlscore.linting.catalog import Catalog  # sqlglot, a fifth of a second
    from sqlscore.linting.lint import Result, lint_text
    from sqlscore.linting.proof import Proof, proven
    from sqlscore.linting.report import LintReport

    known = Catalog(con, catalog(con).snapshot.mappings)
    given: Iterable[str | Path] = [what] if isinstance(what, (str, Path)) else what
    trained = trained_until(con)
    results: list[Result] = []
    proofs: list[Proof] = []
    unread: list[str] = []
    for one in given:
        for texts, problems in _texts(known, one):
            unread += problems
            models = _models(texts) if len(texts) > 1 or (texts and texts[0].made) else {}
            for text in texts:
                if isinstance(one, Path) and not one.is_dir() and Path(text.name) != one:
                    continue  # a file of a project is read with the others, and judged alone
                try:
                    results.append(lint_text(known, text, models, trained))
                except LintError as error:
                    if len(texts) == 1:
                        raise
                    unread.append(str(error))
                    continue
                unread += results[-1].unread
                if prove:
                    proofs.append(proven(known, text, results[-1].outputs, seed))
    findings = sorted((f for r in results for f in r.findings), key=lambda f: (f.severity, f.place, f.line))
    allowed = tuple(f for r in results for f in r.allowed)
    return LintReport(tuple(findings), allowed, tuple(unread), len(results), tuple(proofs))


def lint_sql(con: duckdb.DuckDBPyConnection, text: str) -> LintReport:
    """Likewise of a query or a view alone: no file is read.

    Args:
        con: A connection to a database that `connect` opened.
        text: A SELECT, or the name of a view.

    Raises LintError if the text cannot be read, or names a file.
    """
    if _is_path(text):
        raise LintError(f"lint reads no files in SQL: use the command, sqlscore lint DB {excerpt(text)}")
    return lint(con, text)


def _texts(known: Catalog, what: str | Path) -> Iterable[tuple[list[Text], list[str]]]:
    """The texts that are meant, with those that cannot be read."""
    from sqlscore.linting.lint import Text

    path = Path(what) if not isinstance(what, str) or _is_path(what) else None
    if path is not None:
        from sqlscore.linting.dbt_models import models_of, project_of

        folder = project_of(path)
        if folder is not None:
            yield models_of(folder)
        elif path.is_dir():
            raise LintError(
                f"{path} is a folder without dbt_project.yml: name its .sql files, or the folder of a project"
            )
        else:
            yield [Text(str(path), path.read_text(encoding="utf-8"))], []
        return
    text = str(what).strip()
    if _QUERY.match(text):
        yield [Text("the query", text)], []
        return
    parts = unquoted(text).casefold().rpartition(".")
    key = (parts[0].rpartition(".")[2] or "main", parts[2])
    view = known.views.get(key)
    if view is not None and key[0] not in known.schemas and key[0] != "sqlscore":
        yield [Text(f"view {text}", _with_comment(known, key, view))], []
        return
    if _NAME.fullmatch(text) and not known.has(unquoted(text)):
        raise LintError(
            f"there is no view or table {excerpt(text)} in the file: sqlscore lint DB VIEW|FILE|SQL|PROJECT"
        )
    yield [Text(text, f"SELECT * FROM {text}")], []


def _is_path(text: str) -> bool:
    if text.casefold().endswith(".sql"):
        return True
    try:
        return "\n" not in text and len(text) < 500 and Path(text).is_dir()
    except OSError:  # a query in one line is longer than a name may be
        return False


def _with_comment(known: Catalog, key: tuple[str, str], view: str) -> str:
    """The SQL of a view; DuckDB drops comments in it, so COMMENT ON VIEW may hold those of the linter."""
    comment = known.comment_on(*key)
    allowed = [line for line in (comment or "").splitlines() if line.strip().startswith("sqlscore: allow")]
    return "\n".join([*(f"-- {line.strip()}" for line in allowed), view])


def _models(texts: Sequence[Text]) -> dict[str, exp.Expr]:
    """The queries of a project by name, as far as they can be read."""
    from sqlscore.linting.reading.texts import parsed

    found: dict[str, exp.Expr] = {}
    for text in texts:
        try:
            queries, _ = parsed(text.sql, text.name)
        except LintError:
            continue
        if queries:
            found[text.made.casefold()] = queries[-1][0]
    return found


def trained_until(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Until when each model learned, in seconds since 1970: by `name@version`, by name, and "" for the champion."""
    if not known_to_sqlscore(con):
        return {}
    rows = con.execute(
        "SELECT name, version, epoch(trained_to) FROM sqlscore.models WHERE trained_to IS NOT NULL ORDER "
        "BY name, version"
    ).fetchall()
    found: dict[str, float] = {}
    for name, version, until in rows:
        found[f"{name}@{version}"] = found[name] = float(until)
    champion = next((label for (_, alias), label in catalog(con).snapshot.aliases.items() if alias == "champion"), None)
    if champion in found:
        found[""] = found[champion]
    return found


def known_to_sqlscore(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file in use has a registry of models: one that is only attached, to be looked at, has none."""
    query = """SELECT count(*) FROM duckdb_tables()
               WHERE database_name = current_database() AND schema_name = 'sqlscore' AND table_name = 'models'"""
    return bool(con.execute(query).fetchall()[0][0])
