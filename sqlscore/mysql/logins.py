"""The first packet of a client: whether it holds what it says, before the library takes it apart."""

from __future__ import annotations

import struct

from mysql_mimic.types import Capabilities

from sqlscore.mysql.stream import PADDING, Broken

_FIXED = 32  # bytes before the name of the user
_SIZES = {0xFC: 2, 0xFD: 3, 0xFE: 8}  # bytes of a length, by the byte before it


def require_whole(data: bytes, offered: Capabilities) -> None:
    """Raises Broken unless each part of a login ends within it; the last text may do without its end.

    Args:
        data: the packet, without padding.
        offered: what the server said that it can do.
    """
    if len(data) <= _FIXED:
        raise Broken("the login is too short")
    asked = Capabilities(struct.unpack_from("<I", data)[0]) & offered
    if Capabilities.CLIENT_PROTOCOL_41 not in asked:
        raise Broken("the login is of MySQL's protocol before 4.1")
    place = _behind_text(data, _FIXED)
    if place >= len(data):
        raise Broken("the login ends before the password")
    size, place = data[place], place + 1
    if Capabilities.CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA in asked and size in _SIZES:
        width = _SIZES[size]
        size, place = int.from_bytes(data[place : place + width], "little"), place + width
    if place + size > len(data):
        raise Broken("the login ends within the password")
    place += size
    for part in (Capabilities.CLIENT_CONNECT_WITH_DB, Capabilities.CLIENT_PLUGIN_AUTH):
        if part in asked:
            place = _behind_text(data, place)


def _behind_text(data: bytes, place: int) -> int:
    """Where the next part begins. A text without an end takes a byte of the padding for it."""
    end = (data + PADDING).find(b"\0", place)
    if end < 0:
        raise Broken("the login ends before its texts do")
    return end + 1
