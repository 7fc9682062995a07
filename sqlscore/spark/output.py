"""A folder of tables on any file system that Spark has, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlscore.errors import SparkError

NOTE = "_sqlscore.json"
"""The file that is written last: what the tables hold. Spark takes a name with _ for no data."""


@dataclass(frozen=True)
class Storage:
    """Hadoop's file systems, as the session has them configured."""

    spark: Any

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        system, at = self._at(path)
        return bool(system.exists(at))

    def delete(self, path: str) -> None:
        """Remove a folder with all that is in it, if it is there."""
        system, at = self._at(path)
        system.delete(at, True)

    def rename(self, old: str, new: str) -> None:
        """Raises SparkError if the file system refuses."""
        system, source = self._at(old)
        _, target = self._at(new)
        if not system.rename(source, target):
            raise SparkError(f"{old} cannot be renamed to {new}: what was written is there still")

    def write(self, path: str, text: str) -> None:
        """Write a small file."""
        system, at = self._at(path)
        stream = system.create(at, True)
        stream.write(bytearray(text.encode()))
        stream.close()

    def read(self, path: str) -> str:
        """Read a small file."""
        system, at = self._at(path)
        stream = system.open(at)
        text = self.spark._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        stream.close()
        return str(text)

    def _at(self, path: str) -> tuple[Any, Any]:
        at = self.spark._jvm.org.apache.hadoop.fs.Path(path)
        return at.getFileSystem(self.spark._jsc.hadoopConfiguration()), at


def storage(spark: Any) -> Storage:
    """The file systems of a session. Raises SparkError for Spark Connect, which does not show them."""
    if not hasattr(spark, "_jsc"):
        raise SparkError(
            "this is a Spark Connect session, which cannot rename a finished folder into its place: score in bulk with "
            "a classic session (--master); the functions, sqlscore.spark.register, work with both"
        )
    return Storage(spark)


def refuse_existing(store: Storage, out: str, *, replace: bool) -> None:
    """Raise SparkError if something is there that may not be replaced."""
    if not store.exists(out):
        return
    if not replace:
        raise SparkError(f"{out} is there already: name another folder, or replace it (--replace)")
    if not store.exists(f"{out}/{NOTE}"):
        raise SparkError(f"{out} is there, and holds no {NOTE}, so sqlscore did not write it: name another folder")


@contextmanager
def beside(store: Storage, out: str) -> Iterator[str]:
    """Yield a folder beside `out` to write to, which is removed when the block ends, whatever came of it."""
    partial = _hidden(out, "partial")
    try:
        yield partial
    finally:
        store.delete(partial)


def put_in_place(store: Storage, partial: str, out: str, note: dict[str, Any]) -> None:
    """Give a finished folder its name, and write the note into it last.

    A rename is one step on a local disk and on HDFS. On an object store it copies file after file, which is why a
    folder without the note is none. What was there is put aside first, and put back if the rename fails.
    """
    old = _hidden(out, "old")
    if store.exists(out):
        store.rename(out, old)
    try:
        store.rename(partial, out)
    except BaseException:
        if store.exists(old):
            store.rename(old, out)
        raise
    store.write(f"{out}/{NOTE}", json.dumps(note, indent=1))
    store.delete(old)


def _hidden(out: str, suffix: str) -> str:
    parent, slash, name = out.rpartition("/")
    return f"{parent}{slash}.{name}.{uuid4().hex[:8]}.{suffix}"


def read_note(store: Storage, out: str) -> dict[str, Any]:
    """What an earlier run says of its tables. Raises SparkError if it did not end, or is none."""
    path = f"{out}/{NOTE}"
    if not store.exists(path):
        raise SparkError(f"{out} has no {NOTE}, which a finished run writes last: name the --out of a finished run")
    note: dict[str, Any] = json.loads(store.read(path))
    return note
