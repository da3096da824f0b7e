"""How the messages of a connection are encoded, compressed and framed."""

from __future__ import annotations

from typing import NamedTuple

from market_depth.protocol.deflate import deflated, stored_block
from market_depth.protocol.encoders import Encoder, JsonEncoder, MsgpackEncoder
from market_depth.protocol.frames import BINARY, TEXT, frame_header
from market_depth.protocol.messages import Response

__all__ = ["JSON", "Tail", "Wire", "wire_of"]


class Tail(NamedTuple):
    """What all messages of a view share, ready to be sent."""

    body: bytes
    is_deflated: bool = False


class Wire:
    """One way in which messages travel; connections that talk alike share one.

    Args:
        encoder: makes bytes of messages.
        is_compressed: whether permessage-deflate has been agreed to.
    """

    __slots__ = ("_opcode", "encoder", "is_compressed")

    def __init__(self, encoder: Encoder, *, is_compressed: bool) -> None:
        self.encoder = encoder
        self.is_compressed = is_compressed
        self._opcode = BINARY if encoder.is_binary else TEXT

    def message(self, message: Response) -> bytes:
        """Return a message for one client as a frame; it is not worth compressing."""
        payload = self.encoder.message(message)
        return frame_header(len(payload), self._opcode) + payload

    def seal(self, tail: bytes) -> Tail:
        """Compress what is shared, once for all; a small one that would not shrink is left."""
        if self.is_compressed:
            packed = deflated(tail)
            if len(packed) + _STORED_BYTES < len(tail):
                return Tail(packed, is_deflated=True)
        return Tail(tail)

    def frame(self, prefix: bytes, tail: Tail) -> bytes:
        """Return a data message as a frame."""
        body, is_deflated = tail
        if is_deflated:
            prefix = stored_block(prefix)
        header = frame_header(len(prefix) + len(body), self._opcode, is_deflated)
        return b"".join((header, prefix, body))


_STORED_BYTES = 5
"""What a stored block costs."""

_encoders = (JsonEncoder(), MsgpackEncoder())
_wires = {
    (encoder.name, is_compressed): Wire(encoder, is_compressed=is_compressed)
    for encoder in _encoders
    for is_compressed in (False, True)
}
JSON = _wires["json", False]


def wire_of(encoding: str, *, is_compressed: bool) -> Wire:
    """Return the wire of an encoding, "json" or "msgpack"."""
    return _wires[encoding, is_compressed]
