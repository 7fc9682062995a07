"""A page as one HTML file: its styles and charts are in it, it loads nothing and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from sqlscore.reporting.page.document import Document, moment
from sqlscore.reporting.page.drawings import drawn
from sqlscore.reporting.theme import COLOURS, MUTED, TEXT

_TEMPLATE = Path(__file__).with_name("page.html")


def as_html(document: Document) -> str:
    """The whole page. Text from data is escaped where it enters."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"moment": moment, "drawn": drawn, "kind": _kind}
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(document=document, text=TEXT, muted=MUTED, accent=COLOURS[0]) + "\n"


def _kind(part: Any) -> str:
    return type(part).__name__
