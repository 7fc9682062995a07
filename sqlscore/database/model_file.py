"""The file that a model travels in: one line with its sha256, then the artifact."""

from __future__ import annotations

from pathlib import Path

from sqlscore.errors import ArtifactError, OutputError
from sqlscore.files import in_place_of
from sqlscore.scoring.manifest import sha256_of

_HEADER = b"sqlscore-artifact 1 "


def write_model_file(path: Path, data: bytes, sha256: str) -> None:
    """Write an artifact; a reader sees the old file or the new one, whole.

    Raises OutputError where a file is there that is none of a model.
    """
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise OutputError(f"{path} is there and holds no model: name another file, or remove it first")
    with in_place_of(path) as partial:
        partial.write_bytes(_HEADER + sha256.encode() + b"\n" + data)


def read_model_file(path: Path, expected: str | None = None) -> tuple[bytes, str]:
    """The artifact and its sha256, which is the header's, and the one that is expected.

    Raises ArtifactError where the file is damaged or another one; nothing of it is run.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    header, _, data = content.partition(b"\n")
    if not header.startswith(_HEADER):
        raise ArtifactError(f"{path} is not a file that sqlscore export wrote")
    found, stated = sha256_of(data), header[len(_HEADER) :].decode("ascii", "replace")
    for wanted, whose in ((stated, "its header says"), (expected, "you expect")):
        if wanted is not None and found != wanted:
            raise ArtifactError(f"{path} has sha256 {found}, {whose} {wanted}: it is damaged or another file")
    return data, found
