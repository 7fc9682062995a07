"""A disk that is full, or a folder that may not be written to, is an error that says what to do, and loses nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb
import pytest
from small_shop import open_shop
from typer.testing import CliRunner

from sqlscore.cli.app import app
from sqlscore.cli.errors import message_of

FULL = Path("/dev/full")  # a device on which every write finds no space

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def test_what_the_engine_says_of_a_full_disk_gets_a_remedy() -> None:
    with duckdb.connect() as con, pytest.raises(duckdb.Error) as caught:
        con.execute(f"COPY (FROM range(100000)) TO '{FULL}' (FORMAT csv)")
    assert message_of(caught.value).endswith("make room, then run it again.")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_the_system_says_gets_a_remedy(code: int) -> None:
    said = message_of(OSError(code, os.strerror(code), "shop.duckdb"))
    assert said.splitlines()[0].endswith("'shop.duckdb'")
    assert "run it again" in said or "change the rights" in said


def test_an_export_to_a_full_disk_ends_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    open_shop(path).close()
    before = path.read_bytes()
    result = CliRunner().invoke(app, ["export", str(path), str(FULL)])
    assert result.exit_code == 1
    assert "make room, then run it again" in " ".join(result.stderr.split())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["shop.duckdb"]
