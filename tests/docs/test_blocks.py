import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli import results
from sqlscore.cli.app import COMMANDS, app
from sqlscore.database.macros import PUBLIC
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.simulation.shop import simulate_shop

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"(?P<notes>(?:<!--[^\n]*-->\n)*)```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
RUN_BY_CI = ("pip install . && sqlscore demo", "pip install '.[test]' && pytest")
FILES = {"mobile_onboarding as clicks.parquet": ("mobile_onboarding/events.parquet", "clicks.parquet")}


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
    """All blocks that can be run; a `text` block right after one is its output."""
    text = document.read_text(encoding="utf-8")
    found = [
        (Block(m["language"], m["text"], text.count("\n", 0, m.start("text")), m["notes"]), m.start(), m.end())
        for m in FENCE.finditer(text)
    ]
    for (block, _, end), (following, start, _) in pairwise(found):
        if following.language == "text" and block.language != "text" and not text[end:start].strip():
            block.output = following
    return [block for block, _, _ in found if block.language in ("sql", "python", "bash")]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sqlscore demo` makes, with fewer customers and a short training."""
    path = tmp_path_factory.mktemp("demo") / "sqlscore-demo.duckdb"
    shop = simulate_shop(users=300)
    with sqlscore.connect(path) as con:
        con.from_arrow(shop.events).create("events")
        sqlscore.map_events(con, "events", features=["brand", "price", "channel"])
        sqlscore.train(con, max_epochs=2)
        sqlscore.refresh(con)
    return path


@pytest.fixture
def workplace(demo: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with the demo's database in it, where the document's commands run."""
    shutil.copy(demo, tmp_path)
    with chdir(tmp_path):
        yield tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_of_the_documentation_runs(
    document: Path, workplace: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    """Documentation that does not run is worse than none; printed output is compared where it can be."""
    namespace: dict[str, Any] = {}
    ran = 0
    for block in blocks(document):
        where = f"{document.name}:{block.line}"
        if "<!-- needs: " in block.notes and not provide(block, request):
            continue
        try:
            printed = run(block, namespace, capsys)
        except Exception as error:
            raise AssertionError(f"{where} does not run: {type(error).__name__}: {error}") from error
        if block.output is not None:
            compare(printed, block, where)
        ran += 1
    assert ran or not blocks(document)


def provide(block: Block, request: pytest.FixtureRequest) -> bool:
    """Put the file that a block needs into the folder; False where there is no real data on this machine."""
    needed = re.search(r"<!-- needs: (.*?) -->", block.notes)
    assert needed is not None
    source, target = FILES[needed[1]]
    try:
        shutil.copy(request.getfixturevalue("data") / source, target)
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


def compare(printed: str, block: Block, where: str) -> None:
    """Exact output is the same. Of a result that depends on training, the columns and their types are; of a command's
    output, the first line is, which speaks of the data."""
    assert block.output is not None
    expected = block.output.text
    if block.output.exact:
        assert printed.strip() == expected.strip(), where
    elif block.language == "sql":
        assert header(printed) == header(expected), where
    elif block.language == "bash":
        assert expected.splitlines()[0] in printed.splitlines(), where


def header(box: str) -> list[list[str]]:
    """Names and types of the columns of DuckDB's box."""
    return [[cell.strip() for cell in line.split("│")] for line in box.splitlines()[1:3]]


def test_the_two_commands_of_the_readme_are_there():
    """`.ci/run` runs exactly these lines."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"\n{command}\n" in text for command in RUN_BY_CI)


def test_the_readme_shows_sql_within_five_lines():
    """A newcomer sees what it is before reading what it is."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "```sql" in lines[:6]


def test_the_readme_lists_every_function():
    """A function that nobody can find is not there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [public.name for public in PUBLIC if f"`{public.name}(" not in text]
    assert not missing


def test_the_command_line_reference_lists_every_command_and_option():
    """An option that is added is described, one that is gone is not promised."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    options = {
        option
        for command in get_command(app).commands.values()  # type: ignore[attr-defined]
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    named = set(re.findall(r"--[a-z][a-z0-9-]*", text))
    assert {name for name, _, _ in COMMANDS if f"sqlscore {name}" not in text and f", {name}" not in text} == set()
    assert options - named == set()
    assert named - options - {"--help"} == set()


def test_the_command_line_reference_lists_every_architecture():
    """What can be trained is found where training is described."""
    row = next(line for line in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").splitlines() if "`-a`" in line)
    assert set(re.findall(r"`(\w+)`", row)) == set(ARCHITECTURES)


def test_the_python_reference_lists_every_public_name():
    """The public surface is small, and all of it is described."""
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    missing = [name for name in sqlscore.__all__ if f"{name}(" not in text and f"`sqlscore.{name}`" not in text]
    assert not missing


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_and_files_that_are_named_exist(document: Path):
    """Moving a file must not leave the documentation behind."""
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]*)", text) if link and "://" not in link]
    files = re.findall(r"`((?:sqlscore|udfs|models|sql|tests|docs)/[\w./]*)`", text)
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [file for file in files if "NAME" not in file and not (ROOT / file).exists()]
    assert not missing


def test_documentation_names_no_paths_of_one_machine():
    """What is printed was printed somewhere, and the reader's machine is another."""
    for document in [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]:
        text = document.read_text(encoding="utf-8")
        assert os.fspath(ROOT.parent) + "/" not in text
        assert "/tmp/" not in text
