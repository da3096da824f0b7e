"""Sockets that read only when told, and that may break every rule of the protocol."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any, NamedTuple

TIMEOUT_S = 30.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The answer to `KEY`, from RFC 6455, section 1.3."""

_READ_BYTES = 64 * 1024
_MASK = b"\x37\xfa\x21\x3d"


class Opcode(IntEnum):
    """RFC 6455, section 5.2."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Frame(NamedTuple):
    """A frame as it came from the server."""

    opcode: int
    payload: bytes
    fin: bool = True
    reserved: int = 0
    head_bytes: int = 2

    def message(self) -> dict[str, Any]:
        """Return the JSON object of a text frame."""
        assert self.opcode == Opcode.TEXT, self
        fields = json.loads(self.payload)
        assert isinstance(fields, dict)
        return fields


class Head(NamedTuple):
    """Status and headers (lower-case names) of an HTTP response."""

    status: int
    headers: dict[str, str]


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    declared_length: int | None = None,
) -> bytes:
    """Return a frame as a client would send it, or should not.

    Args:
        opcode: any of 0 to 15.
        payload: unmasked.
        fin: whether it ends its message.
        reserved: the three bits behind FIN, 0 to 7.
        masked: false breaks the rule for clients.
        declared_length: what to say instead of the payload's length, in the 64-bit form.
    """
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    length = len(payload)
    if declared_length is not None:
        head = struct.pack(">BBQ", first, mask_bit | 127, declared_length)
    elif length > 0xFFFF:
        head = struct.pack(">BBQ", first, mask_bit | 127, length)
    elif length > 125:
        head = struct.pack(">BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack(">BB", first, mask_bit | length)
    if not masked:
        return head + payload
    covered = bytes(byte ^ _MASK[place % 4] for place, byte in enumerate(payload))
    return head + _MASK + covered


def text(**fields: Any) -> bytes:
    """Return a request in a frame."""
    return frame(Opcode.TEXT, json.dumps(fields).encode())


def subscribe(
    stream_id: str, symbol: str = "BTCUSD", data_type: str = "MBP", max_levels: int = 20
) -> bytes:
    """Return a Subscribe in a frame."""
    return text(
        type="Subscribe",
        stream_id=stream_id,
        symbol=symbol,
        data_type=data_type,
        max_levels=max_levels,
    )


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a Close frame."""
    return frame(Opcode.CLOSE, struct.pack(">H", code) + reason)


def upgrade(path: str = "/", /, **changed: str | None) -> bytes:
    """Return the handshake that every browser would send, but for what is *changed*.

    Args:
        path: of the request line.
        changed: header values by name, `_` for `-`; `None` leaves a header out.
    """
    headers: dict[str, str | None] = {
        "Host": "127.0.0.1",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    }
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


class RawClient:
    """One TCP connection; nothing is read from it but what a method asks for."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = bytearray()

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def open(self, path: str = "/", /, **changed: str | None) -> Head:
        """Shake hands, and read the first HeartBeat."""
        await self.send(upgrade(path, **changed))
        head = await self.head()
        assert head.status == 101, head
        assert (await self.frame()).message()["type"] == "HeartBeat"
        return head

    async def head(self) -> Head:
        """Read the head of an HTTP response."""
        while b"\r\n\r\n" not in self._received:
            await self._receive_more()
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        self._received[:] = rest
        status, *lines = head.decode().split("\r\n")
        fields = (line.partition(":") for line in lines)
        return Head(
            int(status.split()[1]), {name.lower(): value.strip() for name, _, value in fields}
        )

    async def frame(self) -> Frame:
        """Read one frame, unmasked as a server's must be."""
        first, second = await self._take(2)
        assert not second & 0x80, "a server's frame is not masked"
        extra = {126: 2, 127: 8}.get(second, 0)
        length = int.from_bytes(await self._take(extra)) if extra else second
        payload = await self._take(length)
        return Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7, 2 + extra)

    async def frame_of(self, opcode: int) -> Frame:
        """Read the next frame with an opcode, passing over others; a Close ends the search."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                found = await self.frame()
                if found.opcode == opcode:
                    return found
                if found.opcode == Opcode.CLOSE:
                    raise ConnectionError(f"the server has sent a Close: {found.payload!r}")

    async def message_of(self, kind: str) -> dict[str, Any]:
        """Read the next message of a type, passing over others."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                message = (await self.frame_of(Opcode.TEXT)).message()
                if message["type"] == kind:
                    return message

    async def closed(self) -> tuple[int | None, str]:
        """Read up to the server's Close, and on to the end; return the code and the reason."""
        found = await self.frame_of(Opcode.CLOSE)
        rest = await self.until_end()
        assert rest == b"", "nothing comes behind a Close"
        if not found.payload:
            return None, ""
        return struct.unpack(">H", found.payload[:2])[0], found.payload[2:].decode()

    async def until_end(self) -> bytes:
        """Read until the server closes or resets the connection, and return what came."""
        async with asyncio.timeout(TIMEOUT_S):
            try:
                while True:
                    await self._receive_more()
            except ConnectionError:
                pass
        rest = bytes(self._received)
        self._received.clear()
        return rest

    async def take_slowly(self, *, per_read_bytes: int, reads: int, seconds: float) -> bytes:
        """Read little at a time, with pauses that make it take so long."""
        taken = b""
        for _ in range(reads):
            taken += await self._take(per_read_bytes)
            await asyncio.sleep(seconds / reads)
        return taken

    def half_close(self) -> None:
        """Send a FIN: nothing more will be sent, but all that comes would be read."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Send a RST, as the system does when a process is killed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _take(self, length: int) -> bytes:
        while len(self._received) < length:
            await self._receive_more()
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken

    async def _receive_more(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            data = await asyncio.get_running_loop().sock_recv(self._socket, _READ_BYTES)
        if not data:
            raise ConnectionError("the server has closed the connection")
        self._received += data


async def connect(port: int, receive_buffer_bytes: int | None = None) -> RawClient:
    """Connect, without a handshake; a small buffer makes the kernel hold little unread data."""
    sock = socket.socket()
    try:
        sock.setblocking(False)
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return RawClient(sock)


@asynccontextmanager
async def raw_client(
    port: int, receive_buffer_bytes: int | None = None
) -> AsyncIterator[RawClient]:
    """Connect, and close the socket at the end."""
    client = await connect(port, receive_buffer_bytes)
    try:
        yield client
    finally:
        client.close()


@asynccontextmanager
async def open_client(
    port: int, receive_buffer_bytes: int | None = None
) -> AsyncIterator[RawClient]:
    """Connect, shake hands and read the first HeartBeat."""
    async with raw_client(port, receive_buffer_bytes) as client:
        await client.open()
        yield client
