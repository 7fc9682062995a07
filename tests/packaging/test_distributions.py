"""What is handed out holds every file of the package, also those behind links, and no test."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LINKED = ("models", "sql", "udfs")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it, of what git knows here."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("made")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(made), str(source)], check=True, capture_output=True)
    return made


def of_the_package() -> set[str]:
    """The files of the package as they are called when it is installed."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    inside = {name for name in listed if name.startswith("sqlscore/")} - {f"sqlscore/{folder}" for folder in LINKED}
    return inside | {f"sqlscore/{name}" for name in listed if name.partition("/")[0] in LINKED}


def test_the_wheel_holds_the_package_and_nothing_else(made: Path) -> None:
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if not name.partition("/")[0].endswith(".dist-info")}
    assert names == of_the_package()


def test_the_sdist_can_be_built_without_git_or_links(made: Path) -> None:
    """Systems without symlinks unpack it too."""
    (sdist,) = made.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        members = file.getmembers()
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    assert [member.name for member in members if member.issym() or member.islnk()] == []
    assert of_the_package() | {"LICENSE", "README.md", "pyproject.toml"} <= names
    assert not any(name.startswith(("tests/", ".ci/", "findings/")) for name in names)
