"""What commands print: sentences, facts and tables for people (with rich), or one JSON document for scripts."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

_WIDTH_OF_PIPES = 110


def as_json(value: Any) -> None:
    """One JSON document: dataclasses as objects, times as ISO text, NaN as null."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False) + "\n")


def done(value: Any, sentence: str, json: bool) -> None:
    """The outcome of a short command: `value` as JSON, or a sentence."""
    if json:
        as_json(value)
    else:
        say(sentence)


def say(sentence: str, style: str = "") -> None:
    """A line on stdout that is never wrapped or read as markup."""
    console().print(Text(sentence, style), soft_wrap=True)


def warn(sentence: str) -> None:
    """A line that begins with an exclamation mark."""
    console().print(Text.assemble(("! ", "bold yellow"), sentence), soft_wrap=True)


def next_step(*words: str) -> None:
    """What to run next, by its words: a name with a space in it is quoted."""
    next_command(shlex.join(words))


def next_command(command: str) -> None:
    """What to run next, as one writes it."""
    console().print(Text.assemble(("next: ", "dim"), (command, "bold")), soft_wrap=True)


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Names and values in two columns."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console().print(Text.assemble((f"  {name:<{width}}  ", "dim"), value), soft_wrap=True)


def rows_as_table(columns: Iterable[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Rows of a query as a table, numbers to the right."""
    rows = list(rows)
    table = Table(title=title)
    for place, column in enumerate(columns):
        numeric = all(isinstance(row[place], (int, float, type(None))) for row in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(number(value) if isinstance(value, (int, float)) else _text(value) for value in row))
    show_fitting(table)


def narrow(title: str, columns: Sequence[str], left: int) -> Table:
    """A table for many columns, the first `left` of which hold text."""
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right")
    return table


def show_fitting(table: Table, droppable: Sequence[str] = (), prose: Sequence[str] = ()) -> None:
    """Print a table that is never wider than the terminal, and in which nothing is cut.

    If the terminal is too narrow, columns are left out and named below. If that does not help, each row is printed as
    lines, one for each column.

    Args:
        table: The table; its title is printed above it, over the whole width.
        droppable: Headers of columns that may be left out, the first to go first.
        prose: Headers of columns whose text may go on in the next line.
    """
    wide = console()
    if table.title:
        wide.print(Text(str(table.title), "italic"))
        table.title = None
    for column in table.columns:
        column.no_wrap = _said(column) not in prose
    shown, hidden = list(table.columns), []
    for header in droppable:
        if _width(table, wide) <= wide.width:
            break
        found = next((column for column in table.columns if column.header == header), None)
        if found is not None:
            hidden.append(_said(found))
            _keep(table, [column for column in table.columns if column is not found])
    if _width(table, wide) > wide.width:
        _keep(table, shown)
        _as_lines(table, wide)
        return
    wide.print(table)
    if hidden:
        say(f"too narrow here for: {', '.join(hidden)} (--json has all)", "dim")


def _keep(table: Table, columns: list[Column]) -> None:
    table.columns[:] = columns
    for place, column in enumerate(columns):
        column._index = place


def _width(table: Table, wide: Console) -> int:
    """The columns that the table needs if its prose is broken at every word."""
    whole = Measurement.get(wide, wide.options.update(max_width=100_000), table).maximum
    for column in table.columns:
        if not column.no_wrap:
            texts = [str(cell) for cell in (column.header, *column.cells)]
            whole -= max(map(cell_len, texts)) - max(cell_len(word) for text in texts for word in text.split() or [""])
    return whole


def _as_lines(table: Table, wide: Console) -> None:
    """Each row as what has no heading, or stands first, in one line, and a line for each of the other columns."""
    names = [place for place, column in enumerate(table.columns) if not place or not column.header]
    others = [place for place in range(len(table.columns)) if place not in names]
    width = max((cell_len(_said(table.columns[place])) for place in others), default=0)
    for row, cells in zip(table.rows, zip(*(column.cells for column in table.columns), strict=True), strict=True):
        wide.print(
            Text("  ".join(str(cells[place]) for place in names if cells[place]), row.style or ""), overflow="fold"
        )
        for place in others:
            if cells[place]:
                line = Text.assemble((f"  {_said(table.columns[place]):<{width}}  ", "dim"), str(cells[place]))
                wide.print(line, overflow="fold")


def _said(column: Column) -> str:
    """A column's heading in one line."""
    return str(column.header).replace("-\n", "").replace("\n", " ")


def number(value: Any) -> str:
    """A number with separators, or with three decimals; nothing for None and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def short(value: float | None) -> str:
    """A number whose first digits are enough: 97,431 -> "97k"."""
    if value is None:
        return ""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}" if value >= 1 else f"{value:.1f}"


def day(moment: Any) -> str:
    """The date of a moment; nothing for None."""
    return str(moment)[:10] if moment is not None else ""


def console() -> Console:
    """Stdout as it is now: as wide as the terminal, or wide enough for any table if it is not one."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=_WIDTH_OF_PIPES)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
