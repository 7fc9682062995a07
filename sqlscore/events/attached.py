"""Another database that mapped events are in: what it is called, where it is, and how it is opened.

Passwords are never part of it: they come from the environment, the password file or a secret of the engine.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sqlscore.errors import MappingError
from sqlscore.quoting import identifier, literal
from sqlscore.redaction import holds_secret

DatabaseKind = Literal["duckdb", "sqlite", "postgres", "ducklake"]
_KINDS: tuple[DatabaseKind, ...] = get_args(DatabaseKind)
_FILES = ("duckdb", "sqlite")
_MAGIC: dict[DatabaseKind, tuple[int, bytes]] = {"sqlite": (0, b"SQLite format 3\0"), "duckdb": (8, b"DUCK")}
_SUFFIXES: dict[str, DatabaseKind] = {".duckdb": "duckdb", ".ddb": "duckdb", ".sqlite": "sqlite", ".sqlite3": "sqlite"}
_SECRET = re.compile(r"(?i)(?:^|\s)duckdb_secret\s*=\s*(?P<name>[A-Za-z_]\w*)")
_WAIT = 10
"""Seconds that a PostgreSQL server has to answer; libpq alone would wait for minutes."""


@dataclass(frozen=True)
class Attached:
    """A database besides the file itself.

    Attributes:
        name: what the user calls it; "" for a DuckDB file that each query opens, so that nothing has to be attached.
        kind: what opens it.
        target: the path of a file, or a connection string, without a password.
        secret: the name of the engine's secret that has the password; "" if there is none.
    """

    name: str
    kind: DatabaseKind
    target: str
    secret: str = ""

    @property
    def alias(self) -> str:
        """The name under which it is attached: another database of the same name gets another one."""
        what = "|".join((self.kind, self.target, self.secret))
        return f"{self.name.lower()}_{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extensions of the engine that open it."""
        if self.kind == "ducklake":
            inner = self.target.partition(":")[0].casefold()
            return ("ducklake", inner) if inner in ("postgres", "sqlite") else ("ducklake",)
        return () if self.kind == "duckdb" else (self.kind,)

    @property
    def file(self) -> Path | None:
        """The file that it is, if it is one on this machine."""
        is_local = self.kind in _FILES and "://" not in self.target
        return Path(self.target) if is_local else None

    @property
    def statement(self) -> str:
        """The statement that attaches it, for reading only."""
        target = f"ducklake:{self.target}" if self.kind == "ducklake" else self.target
        if self.kind == "postgres":
            target = _impatient(target)
        options = [*([] if self.kind == "ducklake" else [f"TYPE {self.kind}"]), "READ_ONLY"]
        if self.secret:
            options.append(f"SECRET {identifier(self.secret)}")
        return f"ATTACH IF NOT EXISTS {literal(target)} AS {identifier(self.alias)} ({', '.join(options)})"

    def __str__(self) -> str:
        """As messages name it."""
        if not self.name:
            return f"the DuckDB file {self.target}"
        secret = f", secret {self.secret}" if self.secret else ""
        return f"{self.name} ({self.kind}: {self.target}{secret})"


def attached_of(name: str, where: str) -> Attached:
    """Read what `attach` says of one database.

    Args:
        name: What the user calls it.
        where: `postgres:dbname=shop host=...`, `postgresql://user@host/shop`, `sqlite:FILE`, `duckdb:FILE`,
            `ducklake:...`, or the path of a DuckDB or SQLite file. `duckdb_secret=NAME` in it names a secret.

    Raises MappingError, which does not repeat a password, if it cannot be read or holds one.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise MappingError(f"the name of an attached database is made of letters, digits and _, found {name!r}")
    if not where.strip():
        raise MappingError(f'attach says nothing of where "{name}" is: write {_FORMS}')
    kind, target = _kind_and_target(name, where.strip())
    named = _SECRET.search(target)
    if named is not None:
        target = (target[: named.start()] + target[named.end() :]).strip()
    if holds_secret(target) and kind not in _FILES:
        raise MappingError(
            f'what attach says of "{name}" holds a password, which would be stored in the file (it is not shown): '
            "leave it out, and set PGPASSWORD, write it into ~/.pgpass, or name a secret of DuckDB with "
            "duckdb_secret=NAME (CREATE PERSISTENT SECRET NAME (TYPE postgres, PASSWORD '...'))"
        )
    if kind in _FILES and "://" not in target:
        target = str(Path(target).expanduser().absolute())
    if kind == "ducklake" and not re.match(r"\w{2,}:", target):  # one letter is a drive of Windows
        target = str(Path(target).expanduser().absolute())
    return Attached(name, kind, target, named["name"] if named else "")


def named(text: str) -> tuple[str, str]:
    """What NAME=WHERE says. Raises MappingError, which does not repeat it, if it has no name."""
    name, equals, where = text.partition("=")
    if not equals or not re.fullmatch(r"\s*\w+\s*", name):
        raise MappingError(f"attach takes NAME=WHERE, and where is {_FORMS}: for example shop=postgres:dbname=shop")
    return name.strip(), where


_FORMS = (
    "postgres:dbname=shop host=..., postgresql://user@host/shop, sqlite:FILE, ducklake:FILE, or the path of a DuckDB "
    "or SQLite file"
)


def _kind_and_target(name: str, where: str) -> tuple[DatabaseKind, str]:
    scheme, colon, rest = where.partition(":")
    scheme = scheme.casefold()
    if colon and scheme in ("postgres", "postgresql"):
        return "postgres", where if rest.startswith("//") else rest.strip()
    if colon and scheme in _KINDS:
        return next(kind for kind in _KINDS if kind == scheme), rest.strip()
    path = Path(where).expanduser()
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(16)
        for kind, (start, magic) in _MAGIC.items():
            if head[start : start + len(magic)] == magic:
                return kind, where
    by_name = _SUFFIXES.get(path.suffix.casefold())
    if by_name is None:
        raise MappingError(
            f'what attach says of "{name}" names no database that can be read (it is not shown, since it may hold a '
            f"password): write {_FORMS}"
        )
    return by_name, where


def _impatient(target: str) -> str:
    """A connection string with a time after which the server is given up, unless something says one."""
    if "connect_timeout" in target or os.environ.get("PGCONNECT_TIMEOUT"):
        return target
    if "://" in target:
        return f"{target}{'&' if '?' in target else '?'}connect_timeout={_WAIT}"
    return f"{target} connect_timeout={_WAIT}".strip()
