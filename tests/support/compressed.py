"""Compressed messages (RFC 7692) of a client's side, as they should be or not."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

from support.raw import Frame, Opcode, RawClient, frame, raw_client

__all__ = [
    "AGREED",
    "OFFER",
    "RSV1",
    "SYNC_TAIL",
    "compressing_client",
    "deflated",
    "in_fragments",
    "inflate",
    "inflated",
    "packed_text",
]

OFFER = "permessage-deflate; client_max_window_bits"
"""What browsers ask for."""
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
"""What the server answers."""
RSV1 = 4
"""Of the three reserved bits: the message is compressed."""
SYNC_TAIL = b"\x00\x00\xff\xff"
"""What a sync flush ends with, and a message does not."""


def deflated(data: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """Return a message's payload as section 7.2.1 has it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=strategy)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed.removesuffix(SYNC_TAIL)


def packed_text(payload: bytes) -> bytes:
    """Return a compressed text message in a frame."""
    return frame(Opcode.TEXT, payload, reserved=RSV1)


def in_fragments(payload: bytes, *cuts: int) -> Iterator[bytes]:
    """Return a compressed text message in fragments; the first alone tells that it is one."""
    for begin, end in pairwise([0, *cuts, len(payload)]):
        opcode, reserved = (Opcode.CONTINUATION, 0) if begin else (Opcode.TEXT, RSV1)
        yield frame(opcode, payload[begin:end], fin=end == len(payload), reserved=reserved)


def inflate(payload: bytes) -> bytes:
    """Return what a compressed message says, read with an empty window."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(payload + SYNC_TAIL)
    assert not inflater.unconsumed_tail + inflater.unused_data + inflater.flush()
    return data


def inflated(found: Frame) -> bytes:
    """Return what a frame from the server says, read with an empty window."""
    assert found.fin
    assert found.reserved in (0, RSV1)
    return inflate(found.payload) if found.reserved else found.payload


@asynccontextmanager
async def compressing_client(port: int) -> AsyncIterator[RawClient]:
    """Connect, agree to compression, and read the first HeartBeat."""
    async with raw_client(port) as client:
        head = await client.open(Sec_WebSocket_Extensions=OFFER)
        assert head.headers["sec-websocket-extensions"] == AGREED
        yield client
