"""docs/architecture.md is compared with the contract of the layers and with the folders."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
NAMING = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
TOP = "sqlscore|udfs|models|sql|tests|docs|benchmarks|findings"
PATH = re.compile(rf"(?<![\w./:-])(?:\.ci/\w+|(?:{TOP})/[\w./-]*\w|(?:{TOP})/(?=`))")


def table() -> list[list[str]]:
    """The packages of each layer as the document lists them, from the top; a row without a layer continues it."""
    layers: list[list[str]] = []
    for line in ARCHITECTURE.read_text(encoding="utf-8").splitlines():
        row = re.match(r"\| ?(?P<layer>[^|]*?) ?\| `(?P<package>\w+)` \| (?P<what>[^|]+) \|$", line)
        if row is None:
            continue
        if row["layer"]:
            layers.append([])
        layers[-1].append(row["package"])
    return layers


def test_the_table_of_layers_is_the_contract():
    """A layer that the document invents misleads, and one that it forgets is a rule nobody knows."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == "Layers of the house")
    assert table() == [layer.split(" | ") for layer in layers]


def test_the_table_of_layers_names_every_package():
    """Each room has a line that says what belongs there."""
    entries = {path.stem for path in (ROOT / "sqlscore").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert {name for layer in table() for name in layer} == entries - {"__init__", "__pycache__"}


@pytest.mark.parametrize("document", NAMING, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path):
    """Moving a file must not leave the documentation behind."""
    named = PATH.findall(document.read_text(encoding="utf-8"))
    missing = {path for path in named if "NAME" not in path and not (ROOT / path).exists()}
    assert not missing
