"""Who may ask: a token that the environment gives, or that a file of the owner's keeps while the server runs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlscore.errors import ServingError

VARIABLE = "SQLSCORE_TOKEN"
_SHORTEST = 16  # characters


@dataclass(frozen=True)
class Token:
    """What a client must send. where: how it learns it, in words that are no secret."""

    secret: str = field(repr=False)
    where: str = ""

    def admits(self, header: bytes) -> bool:
        """Whether a header "Authorization" holds the token; the time it takes says nothing of the token."""
        return secrets.compare_digest(header, f"Bearer {self.secret}".encode())


@contextmanager
def token(database: str, word: str = "token") -> Iterator[Token]:
    """The token of a server.

    That of the environment variable, or a new one in a file beside the database that only its owner can read, which is
    removed in the end.

    Args:
        database: the path of the file.
        word: what clients call it, and how the name of the file ends.

    Raises ServingError if the variable's is too short, or no file can be made.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        if len(given) < _SHORTEST or not given.isascii() or not given.isprintable() or " " in given:
            raise ServingError(
                f"{VARIABLE} must hold at least {_SHORTEST} letters, digits and signs of ASCII without blanks: "
                "`openssl rand -hex 24` makes some"
            )
        yield Token(given, f"the {word} of {VARIABLE}")
        return
    path = Path(f"{database}.{word}")
    made = secrets.token_urlsafe(24)
    try:
        path.unlink(missing_ok=True)  # a killed server left it
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(made)
    except OSError as error:
        raise ServingError(f"the {word} cannot be kept in {path} ({error.strerror}): set {VARIABLE} to one") from error
    try:
        yield Token(made, f"the {word} in {path}")
    finally:
        path.unlink(missing_ok=True)
