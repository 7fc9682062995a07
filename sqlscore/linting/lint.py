"""A text, read and judged: what the rules find, without what comments allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from sqlscore.errors import LintError
from sqlscore.linting.catalog import Catalog
from sqlscore.linting.findings import Finding
from sqlscore.linting.judging import judged
from sqlscore.linting.model import Model
from sqlscore.linting.reading.expressions import value_of
from sqlscore.linting.reading.queries import read_query
from sqlscore.linting.reading.scope import Reader
from sqlscore.linting.reading.texts import parsed, read_texts
from sqlscore.linting.rules import RULES
from sqlscore.linting.sequences import score_leaks
from sqlscore.linting.suppression import Allowed, comments
from sqlscore.linting.verdicts import Judged

COMMENT_RULE = "allow-comment"
"""The name under which comments are reported that allow nothing."""


@dataclass(frozen=True)
class Text:
    """SQL with what it is called.

    Attributes:
        name: a file, a view, or "the query".
        sql: the text.
        made: the name of what it makes, if the text does not say.
    """

    name: str
    sql: str
    made: str = ""


@dataclass(frozen=True)
class Result:
    """What the linter says of one text.

    Attributes:
        findings: those that count.
        allowed: those that a comment allows, with its reason.
        outputs: the rows that the text gives, as they were judged.
        unread: what was not looked at, with the reason: other statements, views that cannot be read.
    """

    findings: tuple[Finding, ...]
    allowed: tuple[Finding, ...]
    outputs: tuple[Judged, ...]
    unread: tuple[str, ...] = ()


def lint_text(
    catalog: Catalog,
    text: Text,
    models: Mapping[str, exp.Expr] | None = None,
    trained: Mapping[str, float] | None = None,
) -> Result:
    """Read a text and say what in it tells the future.

    Args:
        catalog: What the file has.
        text: The SQL.
        models: Other queries by name, which it may read, such as the models of a dbt project.
        trained: Until when each model learned, in seconds since 1970; the champion is "".

    Raises LintError if the text cannot be read.
    """
    reader = Reader(catalog, value_of, read_query)
    reader.models = dict(models or {})
    read, passed = parsed(text.sql, text.name)
    queries = [(query, made or text.made) for query, made in read]
    try:
        read_texts(reader, queries)
    except RecursionError as error:
        raise LintError(f"{text.name} is nested too deep to be looked at: part it into CTEs or views") from error
    outputs = tuple(judged(output) for output in reader.seen.outputs)
    model = Model(catalog, reader.seen, outputs, tuple(score_leaks(catalog, reader.seen.calls)), dict(trained or {}))
    found: dict[tuple[str, str, str, str], Finding] = {}
    for rule in RULES:
        for one in rule(model):
            found.setdefault((one.rule, one.place, one.column, one.sql), one)
    allowed, malformed = comments(text.sql)
    kept: list[Finding] = []
    let_pass: list[Finding] = []
    for one in found.values():
        comment = _allowing(one, allowed, text)
        if comment is None:
            kept.append(one)
        else:
            let_pass.append(replace(one, reason=comment.reason))
    for bad in malformed:
        place = f"{text.name}, line {bad.line}"
        kept.append(
            Finding(COMMENT_RULE, "error", place, bad.line, "", bad.text, f"the comment allows nothing: {bad.problem}")
        )
    unread = tuple(dict.fromkeys((*passed, *reader.seen.unread)))
    return Result(tuple(_sorted(kept)), tuple(_sorted(let_pass)), outputs, unread)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(
        findings, key=lambda one: (one.severity, one.place.rpartition(", line ")[0], one.line, one.rule, one.column)
    )


def _allowing(finding: Finding, allowed: list[Allowed], text: Text) -> Allowed | None:
    """The comment that lets a finding pass: on its line, on the line above, or before the statement."""
    lines = text.sql.splitlines()
    for comment in allowed:
        if comment.rule != finding.rule:
            continue
        here = finding.place.startswith(f"{text.name}, line ")
        if here and comment.line in (finding.line, finding.line - 1):
            return comment
        before = [line.strip() for line in lines[: comment.line - 1]]
        if comment.alone and all(
            not line or line.startswith(("--", "{", "/*")) or line.endswith(";") for line in before
        ):
            return comment
    return None
