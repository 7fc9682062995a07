"""Packets on a socket: three bytes of length, one that counts, and at most as many bytes as one client may send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mysql_mimic.stream import ConnectionClosed

MOST = 1 << 20  # bytes of one packet; max_allowed_packet tells clients
_WHOLE = 0xFFFFFF  # a packet of this length goes on in the next one
_BUFFER = 1 << 16
_TO_TAKE = 60.0  # seconds
PADDING = bytes(16)
"""Ends of texts, more than the packets of a login have."""


class Broken(ConnectionClosed):
    """A client broke the rules of the protocol and is let go. The message says what it did."""


class Stream:
    """What `mysql_mimic.connection.Connection` asks of a stream.

    Args:
        reader: the client's bytes.
        writer: what goes to it.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See the class."""
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._waiting = bytearray()
        self.judge: Callable[[bytes], None] | None = None
        """Looks at the next packet alone; what it raises leaves `read`."""
        self.padding = b""
        """What stands behind each packet that is read, so that a text without an end has one."""

    async def read(self) -> bytes:
        """The next packet. Raises ConnectionClosed if there is none, Broken if it is too long or out of order."""
        whole = bytearray()
        while True:
            try:
                header = await self._reader.readexactly(4)
                length = int.from_bytes(header[:3], "little")
                if header[3] != self._number:
                    raise Broken("a packet is out of order")
                if len(whole) + length > MOST:
                    raise Broken(f"a packet has more than {MOST:,} bytes")
                whole += await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, OSError) as error:
                raise ConnectionClosed from error
            self._number = (self._number + 1) & 0xFF
            if length < _WHOLE:
                judge, self.judge = self.judge, None
                if judge is not None:
                    judge(bytes(whole))
                return bytes(whole) + self.padding

    def put(self, packet: bytes) -> None:
        """Queue a packet; `drain` sends."""
        begin = 0
        while True:
            part = packet[begin : begin + _WHOLE]
            self._waiting += len(part).to_bytes(3, "little")
            self._waiting.append(self._number)
            self._waiting += part
            self._number = (self._number + 1) & 0xFF
            begin += _WHOLE
            if len(part) < _WHOLE:
                return

    @property
    def is_full(self) -> bool:
        """Whether it is time to `drain`."""
        return len(self._waiting) >= _BUFFER

    async def write(self, data: bytes, drain: bool = True) -> None:
        """Queue a packet and send it."""
        self.put(data)
        if drain or self.is_full:
            await self.drain()

    async def drain(self) -> None:
        """Send what waits; returns when the client took enough of it.

        Raises ConnectionClosed if it is gone, TimeoutError if it takes nothing for a minute.
        """
        waiting, self._waiting = self._waiting, bytearray()
        try:
            self._writer.write(waiting)
            async with asyncio.timeout(_TO_TAKE):
                await self._writer.drain()
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionClosed from error

    def reset_seq(self) -> None:
        """Count anew: a command begins."""
        self._number = 0
