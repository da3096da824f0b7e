"""Packets out of capture files: pcap and pcapng, in either byte order.

Sources: https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap,
https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from market_depth.errors import FeedError

__all__ = ["CapturedPacket", "is_capture", "packets_in"]

MAX_PACKET_BYTES: Final = 256 * 1024
"""Longest packet; libpcap's own limit."""
MAX_BLOCK_BYTES: Final = 16 * 1024 * 1024
"""Longest block of pcapng."""
_MAX_INTERFACES: Final = 65_536
_MAX_TIME_NS: Final = 2**63 - 1
_NS_PER_S: Final = 1_000_000_000

_PCAP_MAGICS: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
"""Byte order, and ns of a fraction's unit."""
_FILE_HEAD_BYTES: Final = 24
_LINK_TYPE_AT: Final = 20
_PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDERS: Final = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_INTERFACE_BLOCK: Final = 1
_OLD_PACKET_BLOCK: Final = 2
_SIMPLE_PACKET_BLOCK: Final = 3
_PACKET_BLOCK: Final = 6
_OPTION_TIME_RESOLUTION: Final = 9
_OPTION_TIME_OFFSET: Final = 14


class CapturedPacket(NamedTuple):
    """A packet as it lies in a file."""

    time_ns: int
    """Ns since 1970 UTC; 0 where it is not told."""
    link_type: int
    """See https://www.tcpdump.org/linktypes.html"""
    data: bytes
    """What was captured, and is in the file, of it."""
    length: int
    """On the wire."""
    offset: int
    """Of its first byte in the unpacked file."""


class _Interface(NamedTuple):
    link_type: int
    max_captured: int
    """Bytes of a packet that are kept at most."""
    units_per_s: int
    offset_s: int


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with *head* is a packet capture."""
    return head[:4] == _PCAPNG_MAGIC or head[:4] in _PCAP_MAGICS


def packets_in(blocks: Iterable[bytes], name: str) -> Iterator[CapturedPacket]:
    """Yield the packets of a capture; the last one in part if the file ends within it.

    Args:
        blocks: the unpacked file, see `market_depth.feeds.files.read_blocks`.
        name: of the file, for errors.

    Raises:
        FeedError: if it is no capture, or is damaged or cut off; all before has been yielded.
    """
    source = _Bytes(blocks, name)
    magic = source.take(4)
    if magic == _PCAPNG_MAGIC:
        yield from _NextGeneration(source).packets()
    elif magic in _PCAP_MAGICS:
        yield from _classic(source, *_PCAP_MAGICS[magic])
    else:
        source.check_end()
        raise source.error(f"is no packet capture: it begins with {magic.hex()!r}")
    source.check_end()


class _Bytes:
    """A file's bytes, taken piece by piece."""

    __slots__ = ("_at", "_blocks", "_data", "_failure", "_name", "_start")

    def __init__(self, blocks: Iterable[bytes], name: str) -> None:
        self._blocks = iter(blocks)
        self._name = name
        self._data = b""
        self._at = 0
        self._start = 0
        """Offset of the data at hand."""
        self._failure: FeedError | None = None
        """Why there are no more bytes, where not because the file ends; told behind the last."""

    @property
    def offset(self) -> int:
        return self._start + self._at

    def take(self, length: int) -> bytes:
        """Return the next bytes, fewer where the file ends."""
        end = self._at + length
        if end > len(self._data):
            self._fill(length)
            end = self._at + length
        piece = self._data[self._at : end]
        self._at += len(piece)
        return piece

    def take_all(self, length: int, what: str) -> bytes:
        """Return the next bytes.

        Raises:
            FeedError: if the file ends before; *what* it ends in.
        """
        piece = self.take(length)
        if len(piece) < length:
            raise self.cut_off(what)
        return piece

    def check_end(self) -> None:
        """Raise FeedError if the file has not been read to its end."""
        if self._failure is not None:
            raise self._failure

    def cut_off(self, what: str) -> FeedError:
        """Return why the file ends within *what*."""
        return self._failure or self.error(f"is cut off at byte {self.offset}, within {what}")

    def error(self, text: str) -> FeedError:
        return FeedError(f"{self._name} {text}")

    def _fill(self, length: int) -> None:
        parts = [self._data[self._at :]]
        self._start += self._at
        self._at = 0
        have = len(parts[0])
        try:
            while have < length and (block := next(self._blocks, b"")):
                parts.append(block)
                have += len(block)
        except FeedError as error:
            self._failure = error
            self._blocks = iter(())
        self._data = b"".join(parts)


def _classic(source: _Bytes, order: str, fraction_ns: int) -> Iterator[CapturedPacket]:
    head = source.take_all(_FILE_HEAD_BYTES - 4, "the head of a packet capture")
    (link_type,) = struct.unpack_from(order + "I", head, _LINK_TYPE_AT - 4)
    link_type &= 0xFFFF  # above are flags of the frame check sequence
    record = struct.Struct(order + "IIII")
    while head := source.take(record.size):
        if len(head) < record.size:
            raise source.cut_off("a packet's head")
        seconds, fraction, captured, length = record.unpack(head)
        offset = source.offset
        if captured > MAX_PACKET_BYTES:
            raise source.error(
                f"is damaged at byte {offset - record.size}: a packet of {captured} bytes"
            )
        data = source.take(captured)
        time_ns = seconds * _NS_PER_S + fraction * fraction_ns
        yield CapturedPacket(time_ns, link_type, data, max(length, captured), offset)
        if len(data) < captured:
            raise source.cut_off("a packet")


class _NextGeneration:
    """Reads pcapng, behind its first four bytes."""

    def __init__(self, source: _Bytes) -> None:
        self._source = source
        self._order = "<"
        self._interfaces: list[_Interface] = []

    def packets(self) -> Iterator[CapturedPacket]:
        source = self._source
        head = _PCAPNG_MAGIC
        while head:
            offset = source.offset - len(head)
            head += source.take_all(8 - len(head), "a block's head")
            if head[:4] == _PCAPNG_MAGIC:
                head += self._begin_section(offset)
            kind, length = struct.unpack_from(self._order + "II", head)
            room = length - len(head) - 4
            if length % 4 or room < 0 or length > MAX_BLOCK_BYTES:
                raise source.error(f"is damaged at byte {offset}: a block of {length} bytes")
            body_offset = source.offset
            body = source.take(room)
            if kind in (_PACKET_BLOCK, _OLD_PACKET_BLOCK, _SIMPLE_PACKET_BLOCK):
                yield from self._packet(kind, body, room, body_offset)
            elif kind == _INTERFACE_BLOCK and len(body) == room:
                self._add_interface(body, offset)
            end = source.take(4) if len(body) == room else b""
            if len(end) < 4:
                raise source.cut_off("a block")
            if struct.unpack(self._order + "I", end)[0] != length:
                raise source.error(
                    f"is damaged at byte {source.offset - 4}: the length of a block of {length} "
                    "bytes is another at its end"
                )
            head = source.take(1)

    def _begin_section(self, offset: int) -> bytes:
        """Return the byte order magic, having gone by it."""
        magic = self._source.take_all(4, "a section's head")
        if magic not in _BYTE_ORDERS:
            raise self._source.error(f"is damaged at byte {offset + 8}: no byte order")
        self._order = _BYTE_ORDERS[magic]
        self._interfaces = []
        return magic

    def _add_interface(self, body: bytes, offset: int) -> None:
        """Keep what an interface block says."""
        if len(body) < 8 or len(self._interfaces) == _MAX_INTERFACES:
            raise self._source.error(
                f"is damaged at byte {offset}: interface {len(self._interfaces)} can't be right"
            )
        link_type, max_captured = struct.unpack_from(self._order + "HxxI", body)
        units_per_s = 1_000_000
        offset_s = 0
        at = 8
        while at + 4 <= len(body):
            code, length = struct.unpack_from(self._order + "HH", body, at)
            value = body[at + 4 : at + 4 + length]
            if code == _OPTION_TIME_RESOLUTION and value:
                exponent = value[0] & 0x7F
                units_per_s = (2 if value[0] & 0x80 else 10) ** exponent
            elif code == _OPTION_TIME_OFFSET and len(value) == 8:
                (offset_s,) = struct.unpack(self._order + "q", value)
            elif code == 0:
                break
            at += 4 + length + -length % 4
        max_captured = max_captured or MAX_PACKET_BYTES  # 0 is no limit
        self._interfaces.append(_Interface(link_type, max_captured, units_per_s, offset_s))

    def _packet(self, kind: int, body: bytes, room: int, offset: int) -> Iterator[CapturedPacket]:
        """Yield the packet of a packet block, if as much of it is here as tells its length.

        Args:
            kind: the block's type.
            body: what there is of it behind its head.
            room: how long *body* is where the file does not end in it.
            offset: of *body*.
        """
        is_simple = kind == _SIMPLE_PACKET_BLOCK
        head = 4 if is_simple else 20
        if len(body) < head:
            return
        number = ticks = 0
        if is_simple:
            (length,) = struct.unpack_from(self._order + "I", body)
        else:
            number_layout = "I" if kind == _PACKET_BLOCK else "Hxx"
            layout = self._order + number_layout + "IIII"
            number, high, low, captured, length = struct.unpack_from(layout, body)
            ticks = high << 32 | low
        if number >= len(self._interfaces):
            raise self._source.error(f"is damaged at byte {offset}: no interface {number}")
        interface = self._interfaces[number]
        if is_simple:
            captured = min(room - head, length, interface.max_captured)
        if captured > min(room - head, MAX_PACKET_BYTES):
            raise self._source.error(
                f"is damaged at byte {offset}: a packet of {captured} bytes in {room}"
            )
        time_ns = 0
        if not is_simple:
            time_ns = ticks * _NS_PER_S // interface.units_per_s + interface.offset_s * _NS_PER_S
        if not 0 <= time_ns <= _MAX_TIME_NS:
            raise self._source.error(f"is damaged at byte {offset}: a packet's time is {ticks}")
        data = body[head : head + captured]
        length = max(length, captured)
        yield CapturedPacket(time_ns, interface.link_type, data, length, offset + head)
