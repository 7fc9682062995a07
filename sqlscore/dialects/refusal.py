"""What could not be carried over, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import exp

_PLACE = "sqlscore_place"
_LONGEST = 80  # characters of SQL in a message


class Refused(Exception):  # noqa: N818 - a rule's answer, which the pass collects; users see TranspileError
    """Raised by a rule for what the target cannot do in the same way; `reason` ends with what to write instead."""

    def __init__(self, rule: str, reason: str) -> None:
        """Args: the rule's name; the reason."""
        super().__init__(reason)
        self.rule, self.reason = rule, reason


@dataclass(frozen=True)
class Refusal:
    """One construct that is refused.

    Attributes:
        rule: the rule that refuses.
        place: the view, macro or file, and the line in it, counted from 1.
        sql: the construct, shortened.
        reason: why, and what to write instead.
    """

    rule: str
    place: str
    sql: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sql}: {self.reason} [{self.rule}]"


def note_places(tree: exp.Expr, name: str) -> None:
    """Note in every node of a parsed text in which text and line it stands, for messages.

    Args:
        tree: as parsed; only some of its nodes know their lines.
        name: what to call the text.
    """
    nodes = list(tree.walk(bfs=False))
    inside: dict[int, int] = {}
    for node in reversed(nodes):  # a node's own line, or that of the first node in it that has one
        known = (inside.get(id(child)) for child in node.iter_expressions())
        line = node.meta.get("line") or next((one for one in known if one), None)
        if line is not None:
            inside[id(node)] = line
    lines: dict[int, int] = {}
    for node in nodes:
        above = lines.get(id(node.parent), 1)
        lines[id(node)] = inside.get(id(node), above)
        if _PLACE not in node.meta:
            node.meta[_PLACE] = f"{name}, line {lines[id(node)]}"


def refusal(node: exp.Expr, refused: Refused) -> Refusal:
    """The refusal of a node."""
    place = next((inner.meta[_PLACE] for inner in _near(node) if _PLACE in inner.meta), "the query")
    text = " ".join(node.sql("duckdb").split())
    return Refusal(refused.rule, place, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...", refused.reason)


def _near(node: exp.Expr) -> Iterator[exp.Expr]:
    yield from node.walk(bfs=False)
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


@contextmanager
def collecting(refusals: list[Refusal], node: exp.Expr) -> Iterator[None]:
    """Note what is refused inside a with block instead of raising it."""
    try:
        yield
    except Refused as refused:
        found = refusal(node, refused)
        if found not in refusals:
            refusals.append(found)
