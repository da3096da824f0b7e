"""Frames as a client reads them, in every encoding."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from support.compressed import inflate

__all__ = ["message_of"]

_TEXT, _BINARY = 1, 2


def message_of(frame: bytes) -> dict[str, Any]:
    """Return the message of one whole frame from a server; numbers of JSON are exact."""
    first, length, start = frame[0], frame[1], 2
    if length == 126:
        length, start = int.from_bytes(frame[2:4]), 4
    elif length == 127:
        length, start = int.from_bytes(frame[2:10]), 10
    assert len(frame) == start + length
    payload = frame[start:]
    assert first & 0xB0 == 0x80, "final, no other extension"
    if first & 0x40:
        payload = inflate(payload)
    opcode = first & 0x0F
    assert opcode in (_TEXT, _BINARY)
    if opcode == _BINARY:
        message = msgspec.msgpack.decode(payload)
    else:
        message = json.loads(payload, parse_float=Decimal)
    assert isinstance(message, dict)
    return message
