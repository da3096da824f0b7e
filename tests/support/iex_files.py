"""IEX DEEP 1.0, made up: messages in numbered segments, in packets."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Flag, Side, StatusReason
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.iex import IexSource
from support.errors import one_line_error
from support.flow import Event, events_of
from support.pcap_files import TIME_NS, Packet, datagram, pcap

HEAD_BYTES = 42
"""In front of a segment."""
SESSION = 1_132_527_616
DEEP, TOPS = 0x8004, 0x8003
DELAY_NS = 5_000_000
"""Between a segment's sending and its capture."""
TIME = b"(time)  "
"""What stands in a message until it is sent."""


def padded(symbol: str) -> bytes:
    return symbol.encode().ljust(8)


def system(event: str) -> bytes:
    return b"S" + event.encode() + TIME


def directory(symbol: str) -> bytes:
    return b"D\0" + TIME + padded(symbol) + struct.pack("<IqB", 100, 990_500, 1)


def status(symbol: str, kind: str) -> bytes:
    return b"H" + kind.encode() + TIME + padded(symbol) + b"T1  "


def operational(symbol: str, kind: str) -> bytes:
    return b"O" + kind.encode() + TIME + padded(symbol)


def level(symbol: str, side: str, price: int, size: int, *, is_last: bool = True) -> bytes:
    kind = b"8" if side == "B" else b"5"
    return kind + bytes([is_last]) + TIME + padded(symbol) + struct.pack("<Iq", size, price)


def trade(symbol: str, price: int, size: int, number: int = 7, kind: bytes = b"T") -> bytes:
    return kind + b"\xc0" + TIME + padded(symbol) + struct.pack("<Iqq", size, price, number)


START = system("O")


class Stream:
    """Segments of one session, numbered and timed on."""

    def __init__(self, session: int = SESSION, time_ns: int = TIME_NS, first: int = 1) -> None:
        self.session = session
        self.time_ns = time_ns
        self.first = first
        self.offset = 0

    def payload(self, *messages: bytes, protocol: int = DEEP, step_ns: int = 1000) -> bytes:
        """Return the next segment; each message is of the moment of its sending."""
        self.time_ns += step_ns
        now = struct.pack("<q", self.time_ns)
        body = b"".join(
            struct.pack("<H", len(message)) + message.replace(TIME, now) for message in messages
        )
        head = struct.pack(
            "<BxHIIHHqqq",
            1,
            protocol,
            1,
            self.session,
            len(body),
            len(messages),
            self.offset,
            self.first,
            self.time_ns,
        )
        self.first += len(messages)
        self.offset += len(body)
        return head + body

    def packet(self, *messages: bytes, step_ns: int = 1000) -> Packet:
        payload = self.payload(*messages, step_ns=step_ns)
        return datagram(payload, self.time_ns + DELAY_NS)

    def packets(self, *segments: Sequence[bytes]) -> list[Packet]:
        return [self.packet(*messages) for messages in segments]


def source_of(path: Path, *packets: Packet, options: OpenOptions | None = None) -> IexSource:
    path.write_bytes(pcap(*packets, in_ns=True))
    return IexSource([path], options or OpenOptions())


def events_in(source: IexSource) -> list[Event]:
    return [event for chunk in source.chunks() for event in events_of(chunk)]


def told(source: IexSource) -> list[str]:
    """Return the events of a source in words."""
    names = {one.instrument_id: one.symbol for one in source.instruments}
    return [words_of(names[one.instrument_id], one) for one in events_in(source)]


def words_of(symbol: str, event: Event) -> str:
    """Return an event in words; "…" behind them if its change goes on."""
    action = Action(event.action)
    begun = "" if event.flags & Flag.LAST else " …"
    if action is Action.CLEAR:
        return f"{symbol} clear{begun}"
    if action is Action.STATUS:
        reason = StatusReason(event.price)
        why = f"/{reason.name}" if reason else ""
        return f"{symbol} {BookStatus(event.size).name}{why}{begun}"
    return f"{symbol} {action.name} {Side(event.side).name} {event.price}@{event.size}{begun}"


def played(source: IexSource, *complaint: str) -> list[str]:
    """Return what is told before an error that has all of *complaint* in it."""
    said: list[str] = []
    names = {one.instrument_id: one.symbol for one in source.instruments}
    with one_line_error(FeedError, *complaint):
        for chunk in source.chunks():
            said += [words_of(names[one.instrument_id], one) for one in events_of(chunk)]
    return said


def payload_offset(packets: Sequence[Packet], number: int) -> int:
    """Return the offset of a packet's payload in a pcap file."""
    return len(pcap(*packets[:number])) + 16 + HEAD_BYTES


OPENED = ["A clear …", "A LIVE"]
LEVELS = [level("A", "B", 995_000, 100), level("A", "S", 995_100, 300)]
SEEN = ["A LEVEL BID 995000@100", "A LEVEL ASK 995100@300"]
GAPPED = ["A STALE/GAP"]
