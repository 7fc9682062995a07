"""Files that hold one model: a line with its sha256, then the artifact."""

from __future__ import annotations

from pathlib import Path

from sqlscore.errors import ArtifactError, OutputError
from sqlscore.files import in_place_of
from sqlscore.scoring.manifest import sha256_of

_HEADER = b"sqlscore-artifact 1 "


def write_model_file(path: Path, data: bytes, sha256: str) -> None:
    """Write an artifact; a reader sees either the whole old file or the whole new one.

    Raises OutputError if the path is a file that does not hold a model.
    """
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise OutputError(f"{path} exists and does not hold a model: name another file, or remove it first")
    with in_place_of(path) as partial:
        partial.write_bytes(_HEADER + sha256.encode() + b"\n" + data)


def read_model_file(path: Path, expected: str | None = None) -> tuple[bytes, str]:
    """The artifact and its sha256, which equals that in the header and the expected one, if any.

    Raises ArtifactError if the file is damaged or another one; nothing in it is run.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    header, _, data = content.partition(b"\n")
    if not header.startswith(_HEADER):
        raise ArtifactError(f"{path} is not a file that sqlscore export wrote")
    actual, stated = sha256_of(data), header[len(_HEADER) :].decode("ascii", "replace")
    for wanted, whose in ((stated, "its header says"), (expected, "you expect")):
        if wanted is not None and actual != wanted:
            raise ArtifactError(f"{path} has sha256 {actual}, but {whose} {wanted}: it is damaged or another file")
    return data, actual
