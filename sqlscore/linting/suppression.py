"""Comments that allow a finding: `-- sqlscore: allow RULE because REASON`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlscore.linting.rules import NAMES

_COMMENT = re.compile(r"(?:--|/\*|\{#-?)\s*sqlscore:\s*allow\b(?P<rest>[^\n]*)", re.I)
_WELL_FORMED = re.compile(r"\s+(?P<rule>[\w-]+)\s+because\s+(?P<reason>\S.*?)\s*(?:\*/|-?#\}|$)", re.I)


@dataclass(frozen=True)
class Allowed:
    """One comment: the rule, the reason, its line, and whether it stands alone on it."""

    rule: str
    reason: str
    line: int
    alone: bool


@dataclass(frozen=True)
class Malformed:
    """A comment that allows nothing, since it names no rule or gives no reason."""

    line: int
    text: str
    problem: str


def comments(text: str) -> tuple[list[Allowed], list[Malformed]]:
    """The comments of a text that allow something, and those that mean to.

    Args:
        text: SQL.
    """
    allowed: list[Allowed] = []
    malformed: list[Malformed] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _COMMENT.search(line)
        if found is None:
            continue
        given = _WELL_FORMED.match(found["rest"])
        if given is None:
            problem = "it gives no reason: write -- sqlscore: allow RULE because REASON"
        elif given["rule"] not in NAMES:
            problem = f"there is no rule {given['rule']!r}: the rules are {', '.join(NAMES)}"
        else:
            allowed.append(Allowed(given["rule"], given["reason"], number, not line[: found.start()].strip()))
            continue
        malformed.append(Malformed(number, found[0].strip(), problem))
    return allowed, malformed
