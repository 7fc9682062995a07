"""What a killed publication leaves is removed by the next one; what another is writing is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

import sqlscore


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("target", ["out.duckdb", "outp"])
def test_the_next_publication_removes_what_a_dead_one_left(
    shop: duckdb.DuckDBPyConnection, tmp_path: Path, target: str
) -> None:
    dead = [f".{target}.0123abcd.new", f".{target}.0123abce.partial"]
    for name in (dead[0], dead[1], f"{dead[0]}.wal", f"{dead[1]}.lock"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / f".{target}.89abcdef.new").mkdir()
    (tmp_path / f".{target}.89abcdef.new" / "part.parquet").write_bytes(b"half")
    others = {f".{target}.new", f"{target}.0123abcd.new", ".other.0123abcd.new", f".{target}.0123abcd.newer"}
    for name in others:
        (tmp_path / name).write_bytes(b"somebody's")
    sqlscore.refresh(shop)
    sqlscore.publish(shop, tmp_path / target, tables=["scored_users"])
    assert names(tmp_path) == others | {target}


@pytest.mark.parametrize("target", ["out.duckdb", "outp"])
def test_what_a_live_publication_is_writing_stays(shop: duckdb.DuckDBPyConnection, tmp_path: Path, target: str) -> None:
    busy = tmp_path / f".{target}.0123abcd.new"
    busy.write_bytes(b"being written")
    lock = Path(f"{busy}.lock")
    sqlscore.refresh(shop)
    with FileLock(lock):
        sqlscore.publish(shop, tmp_path / target, tables=["scored_users"])
        assert names(tmp_path) == {target, busy.name, lock.name}
    sqlscore.publish(shop, tmp_path / target, tables=["scored_users"])
    assert names(tmp_path) == {target}
