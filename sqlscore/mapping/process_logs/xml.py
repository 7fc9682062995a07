"""XML read piece by piece, without a tree: elements are told as they begin and end. DTDs and entities are refused."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from sqlscore.errors import MappingError
from sqlscore.extras import optional

_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"SQLite format 3": "a SQLite database: an OCEL log is read by --from ocel",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"{": "JSON: an OCEL log is read by --from ocel",
    b"PAR1": "Parquet: map it with --events",
}
"""How files begin that are no XML."""


class Elements(Protocol):
    """Whom elements are told."""

    @property
    def text(self) -> Callable[[str], None] | None:
        """Told the text between elements, in pieces; None if it does not matter."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """It ends."""

    def place(self) -> str:
        """Where in the log the reader is, in words."""


class _Text(ContentHandler):
    """Told text alone."""

    characters: Any

    def __init__(self, text: Callable[[str], None] | None) -> None:
        super().__init__()
        self.characters = text


def read_xml(path: Path, elements: Elements, format_name: str) -> None:
    """Tell all elements of a file, which may be compressed by gzip, in memory that does not grow with it.

    Args:
        path: The file.
        elements: Whom they are told.
        format_name: What the file should be, "XES".

    Raises MappingError if the file is no XML, ends too early, or declares a DTD or entities.
    """
    library = optional("defusedxml.expatreader", f"{format_name} needs defusedxml", extra="xml", error=MappingError)
    common = optional("defusedxml.common", f"{format_name} needs defusedxml", extra="xml", error=MappingError)
    parser = library.DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(_Text(elements.text))
    parser.start_element, parser.end_element = elements.start, elements.end
    n_bytes, ended = 0, False
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            with gzip.open(raw) if packed else raw as file:
                while piece := file.read(_PIECE):
                    if not n_bytes:
                        _refuse_others(path, piece, format_name)
                    n_bytes += len(piece)
                    parser.feed(piece)
                if not n_bytes:
                    raise MappingError(f"{path} is empty: copy or download it again")
                ended = True
                parser.close()
    except common.DefusedXmlException as error:
        raise MappingError(
            f"{path} declares a document type or entities ({type(error).__name__}), by which XML can fill memory or "
            f"read other files, and {format_name} needs neither: remove the declaration (<!DOCTYPE ...>) if you trust "
            "the file"
        ) from error
    except SAXParseException as error:
        where = f"line {error.getLineNumber()}, column {error.getColumnNumber()}, {elements.place()}"
        if ended:
            raise MappingError(
                f"{path} ends too early, after {n_bytes} bytes ({where}; {error.getMessage()}): copy or download it "
                "again"
            ) from error
        raise MappingError(
            f"{path} is not well-formed XML, in the {n_bytes} bytes read so far ({where}): {error.getMessage()}: was "
            f"the file damaged, or is it not {format_name}?"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MappingError(
            f"{path} is damaged or ends too early: after {n_bytes} bytes of what it holds ({elements.place()}) it "
            f"cannot be unpacked ({error}): copy or download it again"
        ) from error


def _refuse_others(path: Path, piece: bytes, format_name: str) -> None:
    begins = piece.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((what for sign, what in _OTHERS.items() if begins.startswith(sign)), None)
    if kind is not None:
        raise MappingError(f"{path} is not {format_name} but {kind}")
