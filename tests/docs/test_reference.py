"""README and the references name everything there is, and nothing that is not."""

import os
import re
from pathlib import Path

import pytest
from typer.main import get_command

import sqlscore
from sqlscore.cli.app import COMMANDS, app
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.sql.public_functions import PUBLIC

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
DOCUMENTS = [*PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
RUN_BY_CI = ("pip install . && sqlscore demo", "pip install '.[test]' && pytest")


def test_the_two_commands_of_the_readme_are_there():
    """`.ci/run` runs exactly these lines."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"\n{command}\n" in text for command in RUN_BY_CI)


def test_the_readme_shows_sql_within_five_lines():
    """A newcomer sees what it is before reading what it is."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert "```sql" in lines[:6]


def test_the_readme_is_short():
    """It is read in five minutes; the rest is in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path):
    """Moving a file must not leave the documentation behind; test_architecture.py looks at files named in the text."""
    links = re.findall(r"\]\(([^)#]*)", document.read_text(encoding="utf-8"))
    assert not [link for link in links if link and "://" not in link and not (document.parent / link).exists()]


def test_documentation_names_no_paths_of_one_machine():
    """What is printed was printed somewhere, and the reader's machine is another."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert os.fspath(ROOT.parent) + "/" not in text
        assert "/tmp/" not in text
