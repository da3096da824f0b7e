"""permessage-deflate (RFC 7692) without a compressor per client.

A message's payload is a sequence of deflate blocks (RFC 1951). What only one client gets goes into
stored blocks, which cost nothing to make; what all get is compressed once, with an empty window. A
stored block ends at a byte boundary, and the other refers to nothing before it, so that one behind
the other they are one compressed message.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import Final

__all__ = ["deflated", "stored_block"]

_LEVEL: Final = 6
_SYNC_TAIL: Final = b"\x00\x00\xff\xff"
"""What a sync flush ends with; RFC 7692, section 7.2.1, has it removed."""
_MAX_STORED_BYTES: Final = 0xFFFF
_stored_head: Final = Struct("<BHH").pack


def deflated(tail: bytes) -> bytes:
    """Return *tail* as blocks that refer to nothing before them, the last ones of a message."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (compressor.compress(tail) + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(_SYNC_TAIL)]


def stored_block(prefix: bytes) -> bytes:
    """Return *prefix* as stored blocks, to which others are added."""
    if len(prefix) <= _MAX_STORED_BYTES:
        return _stored_head(0, len(prefix), len(prefix) ^ 0xFFFF) + prefix
    parts = range(0, len(prefix), _MAX_STORED_BYTES)
    return b"".join(stored_block(prefix[at : at + _MAX_STORED_BYTES]) for at in parts)
