"""Tables on a terminal of 80 columns: never wider, and no name, date or ranking figure is cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from command_line import run
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

import sqlscore
from sqlscore.cli import render
from sqlscore.cli.search import _show_search
from sqlscore.simulation.shop import simulate_shop
from sqlscore.verbs.search import SearchResult

NAME = "events_of_a_shop_with_a_name_that_never_ever_ends"
WIDTH = 80


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": WIDTH, "FORCE_COLOR": 1, "NO_COLOR": 1, "TERM": "xterm"}.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a group and a column whose names are as long as the model's, and that model."""
    path = tmp_path_factory.mktemp("narrow") / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.from_arrow(simulate_shop(users=40).events).create("clicks")
        con.execute(f"ALTER TABLE clicks ADD COLUMN {NAME} VARCHAR")
        con.execute(f"ALTER TABLE clicks ADD COLUMN site VARCHAR; UPDATE clicks SET site = '{NAME} ' || user_id % 2")
        sqlscore.map_events(con, "clicks", features=["brand"], group="site")
        sqlscore.train(con, name=NAME, architecture="markov")
        sqlscore.refresh(con)
    return path


COMMANDS: dict[str, tuple[str, ...]] = {
    "init": ("--events", "clicks", "--feature", "price", "--mapping", "again", "--prefix", "again_"),
    "models": (),
    "evaluate": (),
    "compare": ("-a", "markov", "--models", f"{NAME}@1", "--seeds", "2", "--no-register"),
    "backtest": ("--from", "2025-03-01", "--every", "14 days", "--include-seen"),
    "train": ("-a", "markov", "--name", f"{NAME}_2", "--no-promote"),
    "publish": ("--to", "{out}"),
}
SHOWN = {
    "init": [NAME],
    "models": [f"{NAME}@1"],
    "publish": ["scored_users"],
    "backtest": ["2025-03-29"],
    "train": ["model"],
}


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of the tables that a command prints."""
    lines: list[str] = []
    show = render.show_fitting

    def recorded(*arguments: Any, **options: Any) -> None:
        wide = render.console()
        with patch.object(render, "console", lambda: wide), wide.capture() as capture:
            show(*arguments, **options)
        lines.extend(plain(capture.get()))

    monkeypatch.setattr(render, "show_fitting", recorded)
    return lines


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_table_is_wider_than_the_terminal_or_cut(
    file: Path, tmp_path: Path, command: str, tables: list[str]
) -> None:
    arguments = [option.format(out=tmp_path / "out") for option in COMMANDS[command]]
    result = run(command, file, *arguments)
    assert result.exit_code == 0, result.stderr
    assert fit(tables)
    assert not any(sign in result.stdout for sign in "┃│─"), "a table that is printed in another way"
    for name in SHOWN.get(command, [NAME]):
        assert any(name in line for line in tables), tables


def test_trials_of_a_search_fit(file: Path, tables: list[str]) -> None:
    """A search is too slow here; what it found is printed by the same function."""
    with sqlscore.connect(file) as con:
        model = sqlscore.list_models(con)[0]
    options = {f"an_option_with_a_long_name_{i}": i / 7 for i in range(6)}
    trial = {"number": 0, "state": "complete", "value": 1.25, "epochs": 3, "seconds": 9.0, "options": options}
    trials = (trial, trial | {"number": 1, "value": 1.5, "options": dict.fromkeys(options, 3)})
    _show_search(SearchResult("shop.search.db", "log_loss", 1.25, options, trials, model), "shop.duckdb")
    assert fit(tables)
    assert any("1.2500" in line for line in tables)


names = st.text(st.sampled_from("ab_ éß漢\u0301"), min_size=1, max_size=90).map(str.strip).filter(bool)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(names, names, st.floats(0, 1)), min_size=1, max_size=3),
    width=st.integers(20, 140),
    droppable=st.booleans(),
)
def test_every_cell_is_shown_whole_unless_its_column_is_named_as_left_out(
    rows: list[tuple[str, str, float]], width: int, droppable: bool
) -> None:
    table = Table("model", "kind", "loss", title="a title that is longer than a narrow terminal is wide")
    for name, kind, loss in rows:
        table.add_row(name, kind, f"{loss:.6f}")
    out = printed(lambda: render.show_fitting(table, ("kind",) if droppable else ()), width)
    lines = [line for line in plain(out) if not line.startswith("too narrow here for")]
    assert max(map(cell_len, lines)) <= width
    joined = "".join("".join(lines).split())
    for name, kind, loss in rows:
        assert "".join(name.split()) in joined
        assert f"{loss:.6f}" in joined
        assert "".join(kind.split()) in joined or "too narrow here for: kind" in out


def printed(show: Callable[[], None], width: int) -> str:
    from rich.console import Console

    console = Console(width=width, highlight=False, force_terminal=False)
    with patch.object(render, "console", lambda: console), console.capture() as capture:
        show()
    return capture.get()


def plain(text: str) -> list[str]:
    return [Text.from_ansi(line).plain for line in text.splitlines()]


def fit(lines: list[str]) -> bool:
    """Whether there are lines, none is too wide, and none was cut. What is left out is told in a sentence."""
    wide = [line for line in lines if cell_len(line) > WIDTH and not line.startswith("too narrow here for")]
    return bool(lines) and not wide and not any("…" in line for line in lines)
