"""The dbt project that comes with sqlscore, copied into a folder of the user."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sqlscore import sql
from sqlscore.errors import InstallError

PACKAGE = Path(sql.__file__).parent / "dbt"
"""The shipped project; `packages.yml` of another project may name a copy of it as `local:`."""

_YOURS = ("dbt_project.yml", "profiles.yml")
_DEMO = "path: sqlscore-demo.duckdb"


def write_project(folder: str | Path, database: str) -> list[Path]:
    """Copy the project into `folder`, with a profile for the file `database`; returns the files that were written.

    In an existing project models, macros and tests are updated; dbt_project.yml and profiles.yml, which the user edits,
    stay.

    Raises InstallError if the folder holds something else.
    """
    target = Path(folder)
    if target.exists() and not _is_ours(target):
        raise InstallError(f"{target} is not empty, and is not a sqlscore project: name a new folder")
    written = []
    for source in sorted(path for path in PACKAGE.rglob("*") if path.is_file()):
        copy = target / source.relative_to(PACKAGE)
        if copy.name in _YOURS and copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        written.append(copy)
    profile = target / "profiles.yml"
    if profile in written:
        path = json.dumps(str(Path(database).absolute()), ensure_ascii=False)  # a JSON string is a YAML string
        profile.write_text(profile.read_text(encoding="utf-8").replace(_DEMO, f"path: {path}"), encoding="utf-8")
    return written


def _is_ours(folder: Path) -> bool:
    """Whether this is an empty folder, or one that `write_project` made."""
    if not folder.is_dir():
        return False
    project = folder / "dbt_project.yml"
    if not project.exists():
        return not any(folder.iterdir())
    return "name: sqlscore" in project.read_text(encoding="utf-8").splitlines()
