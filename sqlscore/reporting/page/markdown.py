"""A page as Markdown."""

from __future__ import annotations

from sqlscore.reporting.page.document import (
    Bars,
    Calibration,
    Command,
    Document,
    Facts,
    Part,
    Points,
    Table,
    Words,
    moment,
)
from sqlscore.reporting.page.plain_text import plain_line


def as_markdown(document: Document) -> str:
    """The whole page as GitHub's Markdown; charts are tables of their values."""
    parts = [f"# {plain_line(document.title)}", f"Made on {moment(document.made_at)} UTC."]
    for section in document.sections:
        parts += [f"## {plain_line(section.title)}", *map(_part, section.parts)]
    return "\n\n".join(parts) + "\n"


def _part(part: Part) -> str:
    match part:
        case Words(text):
            return plain_line(text)
        case Points(items):
            return "\n".join(f"- {plain_line(item)}" for item in items)
        case Command(text):
            line = " ".join(text.split())
            fence = "```" if "```" not in line else "`" * (len(line) + 1)
            return f"{fence}bash\n{line}\n{fence}"
        case Table(columns, rows):
            return _table(columns, rows)
        case Facts(rows):
            return "\n".join(f"- {plain_line(name)}: {plain_line(value)}" for name, value in rows)
        case Bars(title, _, bars):
            return f"**{plain_line(title)}**\n\n" + _table(("", ""), tuple((bar.label, bar.value) for bar in bars))
        case Calibration(title, _, outcomes):
            rows = tuple(
                (f"{each.said:.1%}", f"{each.came_true:.1%}", f"{each.low:.1%} to {each.high:.1%}", f"{each.n:,}")
                for each in outcomes
            )
            return f"**{plain_line(title)}**\n\n" + _table(("said", "came true", "95 % interval", "n"), rows)


def _table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    heading, *body = [tuple(map(plain_line, row)) for row in (columns, *rows)]
    rule = ("---", *("--:" for _ in columns[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *body))
