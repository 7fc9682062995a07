"""An environment of its own for each peer of `peers.py`, so that none changes what sqlscore or another peer runs on.

What a peer needs beside its own packages (torch, DuckDB, pyarrow, pandas) it takes from the environment of the
benchmark, as long as its packages do not ask for another version: both sides compute with the same libraries.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

import sqlscore
from sqlscore.database.catalog import catalog

PACKAGES: dict[str, tuple[str, ...]] = {
    "native": (),
    "boosted": ("lightgbm==4.7.0", "pandas"),
    "lifestream": ("pytorch-lifestream==0.6.0",),  # 0.7.0 cannot import its preprocessor
    "spark": ("pyspark==4.3.0",),
}


def made(name: str, folder: Path) -> Path:
    """The Python of the peer's environment, which is made in this folder if it is not there yet.

    Raises ImportError, with pip's last words, if its packages cannot be installed.
    """
    home = folder / name
    python, ready = home / "bin" / "python", home / "ready"
    if ready.exists():
        return python
    venv.create(home, with_pip=True, clear=True)
    own = next((home / "lib").glob("python*/site-packages"))
    (own / "of_the_benchmark.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    if PACKAGES[name]:
        command: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *PACKAGES[name],
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise ImportError(f"pip install {' '.join(PACKAGES[name])}: {done.stderr.strip().splitlines()[-1]}")
    ready.touch()
    return python


OF = {"encoders": "lifestream"}
"""Peers that run in the environment of another."""


def run_apart(name: str, table: str, database: Path, environments: Path) -> tuple[float, float]:
    """(seconds, users) of a peer on a table of the database, by a process of its own environment.

    Raises ImportError if the environment cannot be made, or its libraries cannot be imported.
    """
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "benchmarks")])}
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command: list[str | Path] = [made(OF.get(name, name), environments), __file__, name, table, database, answer]
        done = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise ImportError(done.stderr.strip().splitlines()[-1])
        seconds, users = json.loads(answer.read_text())
    return seconds, users


def answer(name: str, table: str, database: str, into: str) -> None:
    """Run a peer here."""
    from peer_libraries import boosted, encoders, lifestream, spark
    from peer_native import native

    peers = {"native": native, "boosted": boosted, "lifestream": lifestream, "encoders": encoders, "spark": spark}
    with sqlscore.connect(database) as con:
        found = peers[name](con, table, catalog(con).artifact(None, "events"))
    Path(into).write_text(json.dumps(found))


if __name__ == "__main__":
    answer(*sys.argv[1:])
