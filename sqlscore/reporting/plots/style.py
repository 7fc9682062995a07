"""What all plots share: their looks, how long names are shown, and how a figure is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlscore.errors import PlotError
from sqlscore.extras import optional
from sqlscore.files import in_place_of
from sqlscore.reporting.theme import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)))

_DPI = 150


def blank(width: float, height: float) -> Figure:
    """An empty figure, whose parts make room for each other; no window, no global state.

    Args:
        width: inches.
        height: inches.

    Raises PlotError if matplotlib is not installed.
    """
    library = optional("matplotlib.figure", "plots need matplotlib", extra="plot", error=PlotError)
    figure: Figure = library.Figure(figsize=(width, height), layout="constrained")
    return figure


def titled(figure: Figure, title: str, *facts: str) -> None:
    """Write the title, and under it one line for each fact (model, events, period), all from the left edge.

    A figure that is too narrow for them becomes wider.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.transforms import ScaledTranslation

    heading = figure.suptitle(
        escaped([title])[0] + "\n" * len(facts), x=0.01, ha="left", fontsize=13, fontweight="bold"
    )
    below = figure.transFigure + ScaledTranslation(0, -22 / 72, figure.dpi_scale_trans)
    lines = "\n".join(escaped(facts))
    under = figure.text(0.01, 1, lines, transform=below, ha="left", va="top", fontsize=9, color=GREY, linespacing=1.35)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    widest = max(text.get_window_extent(renderer).width for text in (heading, under)) / figure.dpi
    figure.set_figwidth(max(figure.get_figwidth(), widest / 0.97))  # a margin of 1 % left, and 2 % right


def plain(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Name the axes, remove the frame at the top and the right, draw a faint grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def shortened(name: str, most: int = 30) -> str:
    """A name in one line of at most `most` characters, cut in the middle, as long names differ at either end."""
    line = " ".join(name.split())
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}…{line[-(most - 1 - half) :]}"


def labels(names: Sequence[str]) -> list[str]:
    """The names of an axis, short; equal short names are numbered."""
    short = [shortened(name) for name in names]
    copies = [short[:place].count(name) for place, name in enumerate(short)]
    return escaped([f"{name} #{copy + 1}" if copy else name for name, copy in zip(short, copies, strict=True)])


def escaped(names: Sequence[str]) -> list[str]:
    """Names with each $ escaped, since matplotlib would read a formula."""
    return [name.replace("$", r"\$") for name in names]


def target(path: str | Path) -> Path:
    """The file that a figure goes to. Raises PlotError for another kind of file, or if its folder does not exist."""
    file = Path(path)
    if file.suffix.casefold() not in SUFFIXES:
        raise PlotError(f'a plot is written as {", ".join(SUFFIXES)}, and "{path}" ends in none of them')
    if not file.parent.is_dir():
        raise PlotError(f'there is no folder "{file.parent}" for {file.name}: make it first')
    return file


def save(figure: Figure, path: Path) -> None:
    """Write the file; a reader sees the old one or the new one, whole."""
    with in_place_of(path) as partial:
        figure.savefig(partial, format=path.suffix.casefold()[1:], dpi=_DPI)
