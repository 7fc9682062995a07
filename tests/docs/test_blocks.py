"""Every block of README and docs runs, and all that they show as output is compared; CONTRIBUTING.md has the rules."""

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli import results
from sqlscore.cli.app import app
from sqlscore.simulation.shop import simulate_shop

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"(?P<notes>(?:<!--[^\n]*-->\n)*)```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
DEMO = "pip install . && sqlscore demo"
RUN_BY_CI = (DEMO, "pip install '.[test]' && pytest")
RUN = ("sql", "python", "bash")
ONBOARDING = "mobile_onboarding/events.parquet"
ORDERS = "SELECT user_id AS customer, event_time AS at, event_type AS what FROM events"
SPAN = re.compile(r"(?<![A-Za-z])\d[\d.,]*(?: (?:micro|milli)?(?:second|minute|hour|day)s?\b)?")


@dataclass
class Block:
    """A fenced block: its language, text, line, the comments before it, and the output block that follows."""

    language: str
    text: str
    line: int
    notes: str
    output: "Block | None" = field(default=None)

    @property
    def exact(self) -> bool:
        return "<!-- exact -->" in self.notes


def blocks(document: Path) -> list[Block]:
    """All blocks that can be run; a `text` block is the output of the one right before it, or README's of the demo."""
    text = document.read_text(encoding="utf-8")
    found = [
        (Block(m["language"], m["text"], text.count("\n", 0, m.start("text")), m["notes"]), m.start(), m.end())
        for m in FENCE.finditer(text)
    ]
    for (block, _, end), (following, start, _) in pairwise(found):
        if following.language == "text" and block.language in RUN and not text[end:start].strip():
            block.output = following
    outputs = [block.output for block, _, _ in found]
    for block, _, _ in found:
        if block.text.strip() == DEMO:
            block.output = next(other for other, _, _ in found if other.language == "text" and other not in outputs)
    return [block for block, _, _ in found if block.language in RUN]


@dataclass(frozen=True)
class Demo:
    """The database that `sqlscore demo` makes, and what it prints meanwhile."""

    path: Path
    printed: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, with fewer customers."""
    path = tmp_path_factory.mktemp("demo") / "sqlscore-demo.duckdb"
    result = CliRunner().invoke(app, ["demo", str(path), "--users", "300"])
    assert result.exit_code == 0, result.output
    return Demo(path, result.stdout)


@pytest.fixture(scope="session")
def larger_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo with 1,000 customers, which statistics need; a short training is enough for them."""
    path = tmp_path_factory.mktemp("larger") / "sqlscore-demo.duckdb"
    with sqlscore.connect(path) as con:
        con.from_arrow(simulate_shop(users=1000).events).create("events")
        sqlscore.map_events(con, "events", features=["brand", "price", "channel"])
        sqlscore.train(con, max_epochs=1)
        sqlscore.refresh(con)
    return Demo(path, "")


@pytest.fixture
def workplace(document: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder with the demo's database in it, where the document's commands run."""
    made = request.getfixturevalue("larger_demo" if document.name == "views.md" else "demo")
    shutil.copy(made.path, tmp_path)
    with chdir(tmp_path):
        yield tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_of_the_documentation_runs(
    document: Path,
    workplace: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
):
    """Documentation that does not run is worse than none; all printed output is compared."""
    namespace: dict[str, Any] = {}
    ran = 0
    for block in blocks(document):
        place = f"{document.name}:{block.line}"
        if "<!-- needs: " in block.notes and not provide(block, request):
            continue
        try:
            whole = block.text.strip() == DEMO
            printed = request.getfixturevalue("demo").printed if whole else run(block, namespace, capsys)
        except Exception as error:
            raise AssertionError(f"{place} does not run: {type(error).__name__}: {error}") from error
        if block.output is not None:
            compare(printed, block, place)
        ran += 1
    assert ran or not blocks(document)


def provide(block: Block, request: pytest.FixtureRequest) -> bool:
    """Put the file that a block needs into the folder; False if there is no real data on this machine."""
    needed = re.search(r"<!-- needs: (.*?) -->", block.notes)
    assert needed is not None
    if needed[1] == "orders.parquet":
        with duckdb.connect("sqlscore-demo.duckdb", read_only=True) as con:
            con.sql(ORDERS).write_parquet("orders.parquet")
        return True
    assert needed[1] == f"{ONBOARDING} as clicks.parquet"
    try:
        shutil.copy(request.getfixturevalue("data") / ONBOARDING, "clicks.parquet")
    except pytest.skip.Exception:
        return False
    return True


def run(block: Block, namespace: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a block as its reader would; what it prints."""
    capsys.readouterr()
    if block.language == "sql":
        with sqlscore.connect("sqlscore-demo.duckdb") as con:
            results.run(con, block.text)
    elif block.language == "python":
        exec(compile(block.text, "<documentation>", "exec"), namespace)
    else:
        return "".join(run_command(line) for line in block.text.splitlines())
    return capsys.readouterr().out


def run_command(line: str) -> str:
    """One line of a bash block: the command line's own commands run here, README's two are run by .ci/run."""
    if line in RUN_BY_CI:
        return ""
    program, *arguments = shlex.split(line)
    assert program == "sqlscore", f"{line!r} is not on the list of commands that the documentation may use"
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{line}: {result.output} {result.exception!r}"
    return result.stdout


def compare(printed: str, block: Block, place: str) -> None:
    """By the rules in CONTRIBUTING.md: exactly if so marked; else the columns, types and number of rows of a query's
    result, and of what a command prints the lines that are shown, in their order, with numbers masked."""
    assert block.output is not None
    expected = block.output.text
    if block.output.exact:
        assert printed.strip() == expected.strip(), place
    elif box(expected):
        assert box(printed) == box(expected), place
    else:
        assert block.language == "bash", f"{place}: what Python prints is compared exactly"
        lines = iter(masked(printed))
        missing = next((line for line in masked(expected) if line not in lines), None)
        assert missing is None, f"{place}: not printed, or not in this order: {missing}\n{printed}"


def box(printed: str) -> tuple[list[list[str]], int] | None:
    """Names and types of the columns in DuckDB's box, and the number of rows; None if it is no such box."""
    lines = printed.strip().splitlines() or [""]
    if not lines[0].startswith("┌"):
        return None
    rows = next(at for at, line in enumerate(lines) if line.startswith("└")) - 4
    return [[cell.strip() for cell in line.split("│")] for line in lines[1:3]], rows


def masked(printed: str) -> list[str]:
    """Lines with `#` for each number and span of time, whatever the width of their columns."""
    lines = [re.sub(r"[━─]+", "─", SPAN.sub("#", line)) for line in printed.splitlines()]
    return [" ".join(line.split()) for line in lines]


def test_words_that_drifted_are_noticed_and_numbers_forgiven():
    """Numbers differ from one machine to another; other words mean that the program has changed."""
    shown = Block("text", "log-loss 0.478 against 0.527, in 1.5 seconds\n", 0, "")
    block = Block("bash", "sqlscore train app.duckdb\n", 0, "", shown)
    compare("a line before\nlog-loss 0.5 against 1, in 12 minutes\n", block, "here")
    with pytest.raises(AssertionError, match="not printed"):
        compare("log-loss 0.478, the baselines' best 0.527, in 1.5 seconds\n", block, "here")


def test_a_result_with_another_column_type_or_row_is_noticed():
    """What a model says may differ, what a query returns may not."""
    expected, other = ("┌───┐\n│ n │\n│ int64 │\n├───┤\n" + row + "└───┘\n" for row in ("│ 1 │\n", "│ 2 │\n"))
    block = Block("sql", "SELECT n", 0, "", Block("text", expected, 0, ""))
    compare(other, block, "here")
    for wrong in (other.replace("int64", "double"), other.replace("│ 2 │\n", "│ 2 │\n│ 3 │\n")):
        with pytest.raises(AssertionError, match="here"):
            compare(wrong, block, "here")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_output_belongs_to_a_block_that_runs(document: Path):
    """A `text` block is output, and output that no test makes drifts; what is not run has another language."""
    outputs = re.findall(r"^```text$", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(outputs) == sum(block.output is not None for block in blocks(document))
