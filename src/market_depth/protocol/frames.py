"""WebSocket frames from server to client (RFC 6455, section 5.2): unmasked, whole, final."""

from __future__ import annotations

from struct import Struct

__all__ = ["text_frame", "text_header"]

_FIN_TEXT = 0x81
_SHORT = Struct(">BB").pack
_MEDIUM = Struct(">BBH").pack
_LONG = Struct(">BBQ").pack


def text_header(length: int) -> bytes:
    """Return the header of a text frame whose payload has *length* bytes."""
    if length > 0xFFFF:
        return _LONG(_FIN_TEXT, 127, length)
    if length > 125:
        return _MEDIUM(_FIN_TEXT, 126, length)
    return _SHORT(_FIN_TEXT, length)


def text_frame(payload: bytes) -> bytes:
    """Return *payload* as a text frame."""
    return text_header(len(payload)) + payload
