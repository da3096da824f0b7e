"""WebSocket frames from server to client (RFC 6455, section 5.2): unmasked, whole, final."""

from __future__ import annotations

from struct import Struct
from typing import Final

__all__ = ["BINARY", "TEXT", "frame_header"]

TEXT: Final = 1
BINARY: Final = 2
"""Opcodes."""

_FIN: Final = 0x80
_RSV1: Final = 0x40
"""The message is compressed (RFC 7692)."""
_SHORT = Struct(">BB").pack
_MEDIUM = Struct(">BBH").pack
_LONG = Struct(">BBQ").pack


def frame_header(length: int, opcode: int = TEXT, is_compressed: bool = False) -> bytes:
    """Return the header of a frame whose payload has *length* bytes."""
    first = _FIN | opcode
    if is_compressed:
        first |= _RSV1
    if length > 0xFFFF:
        return _LONG(first, 127, length)
    if length > 125:
        return _MEDIUM(first, 126, length)
    return _SHORT(first, length)
