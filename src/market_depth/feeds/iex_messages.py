"""IEX-TP segments and DEEP 1.0 messages, out of UDP payloads. All numbers are little-endian.

Sources: https://www.iexexchange.io/resources/trading/documents (IEX Transport Specification 1.25,
IEX DEEP Specification 1.08)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from market_depth.errors import FeedError
from market_depth.feeds.files import read_blocks
from market_depth.feeds.pcap import Datagram, PacketCapture

__all__ = [
    "DeepMessage",
    "MessageType",
    "Segment",
    "is_deep",
    "segment_of",
    "segments_of",
]

_VERSION_AND_PROTOCOL: Final = (1, 0x8004)
_HEAD: Final = struct.Struct("<BxHIIHHqqq")
_KIND: Final = struct.Struct("<BxH")
_LENGTH: Final = struct.Struct("<H")
_TIME: Final = struct.Struct("<q")
_TIME_AT: Final = 2
_SIGN_AT: Final = 9
"""The last byte of a message's time: the sign is its first bit."""
_SYMBOL: Final = slice(10, 18)
_MAX_SEQUENCE: Final = 2**62


class MessageType(IntEnum):
    """Types of messages: the code of their letter."""

    SYSTEM_EVENT = ord("S")
    SECURITY_DIRECTORY = ord("D")
    TRADING_STATUS = ord("H")
    RETAIL_LIQUIDITY = ord("I")
    OPERATIONAL_HALT = ord("O")
    SHORT_SALE_TEST = ord("P")
    SECURITY_EVENT = ord("E")
    BUY_LEVEL = ord("8")
    SELL_LEVEL = ord("5")
    TRADE = ord("T")
    OFFICIAL_PRICE = ord("X")
    TRADE_BREAK = ord("B")
    AUCTION = ord("A")


_BYTES: Final[dict[int, int]] = {
    MessageType.SYSTEM_EVENT: 10,
    MessageType.SECURITY_DIRECTORY: 31,
    MessageType.TRADING_STATUS: 22,
    MessageType.RETAIL_LIQUIDITY: 18,
    MessageType.OPERATIONAL_HALT: 18,
    MessageType.SHORT_SALE_TEST: 19,
    MessageType.SECURITY_EVENT: 18,
    MessageType.BUY_LEVEL: 30,
    MessageType.SELL_LEVEL: 30,
    MessageType.TRADE: 38,
    MessageType.OFFICIAL_PRICE: 26,
    MessageType.TRADE_BREAK: 38,
    MessageType.AUCTION: 80,
}
"""Messages may grow at their ends, and new types may come: what is not known is passed over."""
_ABOUT_STOCKS: Final = frozenset(_BYTES) - {MessageType.SYSTEM_EVENT}


class DeepMessage(NamedTuple):
    """A message that is as long as its type wants it."""

    kind: int
    """A `MessageType`, or one that is not known."""
    body: bytes
    """All of it, the type in front."""

    @property
    def ts_event(self) -> int:
        """Ns since 1970 UTC; 0 of a message without a time."""
        if len(self.body) <= _SIGN_AT:
            return 0
        time_ns: int = _TIME.unpack_from(self.body, _TIME_AT)[0]
        return time_ns

    @property
    def symbol(self) -> bytes | None:
        """The stock, padded with spaces to 8 bytes; `None` if the message is about none."""
        return self.body[_SYMBOL] if self.kind in _ABOUT_STOCKS else None


class Segment(NamedTuple):
    """A packet of IEX-TP."""

    session: tuple[int, int]
    """Channel and session."""
    first: int
    """Sequence number of the first message; of the next one if there is none."""
    stream_offset: int
    """Bytes of the stream before this."""
    sent_ns: int
    """Ns since 1970 UTC, the venue's clock."""
    messages: list[DeepMessage]
    """Whole ones; fewer than were sent if the packet was captured in part."""
    time_ns: int
    """Of the capture; of the sending where the capture does not tell it."""
    path: Path
    offset: int
    """In the unpacked file."""


def is_deep(payload: bytes) -> bool:
    """Whether a UDP payload is a segment of DEEP 1.0."""
    if len(payload) < _HEAD.size:
        return False
    kind: tuple[int, int] = _KIND.unpack_from(payload)
    return kind == _VERSION_AND_PROTOCOL


def segment_of(datagram: Datagram, path: Path) -> Segment | None:
    """Return the segment of a UDP payload, `None` if it is none of DEEP 1.0.

    Raises:
        FeedError: if it is one, but its lengths or times do not fit.
    """
    payload = datagram.payload
    if not is_deep(payload):
        return None
    _, _, channel, session, length, count, stream_offset, first, sent_ns = _HEAD.unpack_from(
        payload
    )
    missing = _HEAD.size + length - len(payload)
    fits = not missing if datagram.is_whole else missing >= 0
    if not fits or sent_ns < 0 or not 0 <= first < _MAX_SEQUENCE:
        raise FeedError(
            f"{path} is damaged at byte {datagram.offset}: an IEX-TP head can't be right"
        )
    return Segment(
        (channel, session),
        first,
        stream_offset,
        sent_ns,
        _messages(datagram, count, path),
        datagram.time_ns or sent_ns,
        path,
        datagram.offset,
    )


def segments_of(path: Path) -> Iterator[Segment]:
    """Yield the segments of a capture.

    Raises:
        FeedError: if it can't be read, is damaged or cut off; all before has been yielded.
    """
    for datagram in PacketCapture(read_blocks(path), str(path)).datagrams():
        segment = segment_of(datagram, path)
        if segment is not None:
            yield segment


def _messages(datagram: Datagram, count: int, path: Path) -> list[DeepMessage]:
    payload = datagram.payload
    end = len(payload)
    at = _HEAD.size
    messages: list[DeepMessage] = []
    for _ in range(count):
        start = at + _LENGTH.size
        if start > end:
            break
        behind = start + _LENGTH.unpack_from(payload, at)[0]
        if behind > end:
            break
        body = payload[start:behind]
        kind = body[0] if body else 0
        if not _is_right(kind, body):
            raise FeedError(
                f"{path} is damaged at byte {datagram.offset + start}: a message of type "
                f"0x{kind:02x} can't have {len(body)} bytes and this time"
            )
        messages.append(DeepMessage(kind, body))
        at = behind
    if datagram.is_whole and (len(messages) < count or at != end):
        raise FeedError(
            f"{path} is damaged at byte {datagram.offset + at}: {len(messages)} messages of "
            f"{count} make up a segment"
        )
    return messages


def _is_right(kind: int, body: bytes) -> bool:
    """Whether a message is as long as its type wants it, and has a time from 1970 on."""
    least = _BYTES.get(kind)
    if least is None:
        return len(body) > 0
    return len(body) >= least and body[_SIGN_AT] < 0x80
