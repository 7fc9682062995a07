"""What the linter found: the rule, where, and what to write instead."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlglot import exp

from sqlscore.dialects.refusal import Refused, refusal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One place where a query tells the future, or may.

    Attributes:
        rule: the rule.
        severity: "error": the figure cannot be had at the row's moment; "warning": it may not be what it seems.
        place: the text, view or model, and the line in it.
        line: counted from 1.
        column: the column of the result; "" if it is about rows.
        sql: the construct, shortened.
        message: what is wrong, and what to write instead.
        reason: why it is allowed, if a comment says so.
    """

    rule: str
    severity: Severity
    place: str
    line: int
    column: str
    sql: str
    message: str
    reason: str | None = None

    def __str__(self) -> str:
        about = f' column "{self.column}":' if self.column else ""
        return f"{self.place}:{about} {self.message} [{self.rule}, {self.severity}]\n  {self.sql}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def finding(
    rule: str, severity: Severity, node: exp.Expr, message: str, column: str = "", shown_in: exp.Expr | None = None
) -> Finding:
    """A finding at a node of a query.

    Args:
        rule: The rule.
        severity: See Finding.
        node: The construct.
        message: What is wrong, and what to write instead.
        column: The column of the result.
        shown_in: The expression of that column; if the construct is in another text, such as a view that is read, the
            finding is there, and says where the construct is.
    """
    found = refusal(node, Refused(rule, message))
    here = refusal(shown_in, Refused(rule, message)) if shown_in is not None else found
    text, _, _ = here.place.rpartition(", line ")
    if text and not found.place.startswith(f"{text}, line "):
        message = f"{message} (it comes from {found.place}: {found.sql})"
        found = here
    place, _, line = found.place.rpartition(", line ")
    number = int(line) if place and line.isdigit() else 1
    return Finding(rule, severity, found.place, number, column, found.sql, message)
