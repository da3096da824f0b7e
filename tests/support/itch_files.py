"""Nasdaq TotalView-ITCH 5.0, made up: messages as its specification has them, in files and packets.

Source: https://www.nasdaqtrader.com/content/technicalsupport/specifications/dataproducts/NQTVITCHspecification.pdf
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, StatusReason
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.formats import format_named, format_of
from support.errors import one_line_error
from support.flow import Event, events_of
from support.pcap_files import TIME_NS, Packet, datagram

LENGTHS = {
    kind: length
    for length, kinds in (
        (12, "SW"),
        (19, "DB"),
        (20, "YN"),
        (21, "h"),
        (23, "X"),
        (25, "H"),
        (26, "L"),
        (28, "K"),
        (31, "E"),
        (35, "UVJ"),
        (36, "AC"),
        (39, "R"),
        (40, "FQ"),
        (44, "P"),
        (48, "O"),
        (50, "I"),
    )
    for kind in kinds
}
"""Bytes of each type of message."""

NAME = "12302019.NASDAQ_ITCH50"
MIDNIGHT_NS = 1_577_682_000_000_000_000
"""2019-12-30T00:00 in New York."""
FIRST_NS = 11_000_000_000_000
"""Time of the messages that name no other, ns since midnight."""
SESSION = b"000010059B"
UNDEFINED_PRICE = 2**63 - 1


class Stock(NamedTuple):
    locate: int
    symbol: str

    @property
    def text(self) -> bytes:
        return self.symbol.encode().ljust(8)


ACME, BOLT, CORE = Stock(1, "ACME"), Stock(2, "BOLT"), Stock(7, "CORE.A")
STOCKS = (ACME, BOLT, CORE)


def message(kind: str, stock: Stock | None, body: bytes, time_ns: int = FIRST_NS) -> bytes:
    locate = 0 if stock is None else stock.locate
    return kind.encode() + struct.pack(">HH", locate, 0) + time_ns.to_bytes(6, "big") + body


def system(event: str, time_ns: int = FIRST_NS) -> bytes:
    return message("S", None, event.encode(), time_ns)


def directory(stock: Stock) -> bytes:
    return message(
        "R", stock, stock.text + b"QN" + struct.pack(">I", 100) + b"NCZ PNN1N" + b"\0" * 4 + b"N"
    )


def trading(stock: Stock, state: str = "T", time_ns: int = FIRST_NS) -> bytes:
    return message("H", stock, stock.text + state.encode() + b" T1  ", time_ns)


def operational(stock: Stock, action: str) -> bytes:
    return message("h", stock, stock.text + b"Q" + action.encode())


def add(
    stock: Stock,
    order_id: int,
    side: str = "B",
    shares: int = 100,
    price: int = 10_0000,
    *,
    participant: str = "",
    time_ns: int = FIRST_NS,
) -> bytes:
    """Return an A, or an F where there is a participant; the price in 1/10000 dollar."""
    body = struct.pack(">Q1sI8sI", order_id, side.encode(), shares, stock.text, price)
    kind = "F" if participant else "A"
    return message(kind, stock, body + participant.encode(), time_ns)


def execute(
    stock: Stock, order_id: int, shares: int, match: int = 5, *, price: int = -1, printed: str = "Y"
) -> bytes:
    """Return an E, or a C where there is a price."""
    body = struct.pack(">QIQ", order_id, shares, match)
    if price < 0:
        return message("E", stock, body)
    return message("C", stock, body + printed.encode() + struct.pack(">I", price))


def cancel(stock: Stock, order_id: int, shares: int) -> bytes:
    return message("X", stock, struct.pack(">QI", order_id, shares))


def delete(stock: Stock, order_id: int, time_ns: int = FIRST_NS) -> bytes:
    return message("D", stock, struct.pack(">Q", order_id), time_ns)


def replace(stock: Stock, old_id: int, new_id: int, shares: int, price: int) -> bytes:
    return message("U", stock, struct.pack(">QQII", old_id, new_id, shares, price))


def trade(stock: Stock, shares: int, price: int, match: int = 6) -> bytes:
    body = struct.pack(">Q1sI8sIQ", 0, b"B", shares, stock.text, price, match)
    return message("P", stock, body)


def cross(stock: Stock, shares: int, price: int, match: int = 8) -> bytes:
    return message("Q", stock, struct.pack(">Q8sIQ1s", shares, stock.text, price, match, b"O"))


def broken(stock: Stock, match: int) -> bytes:
    return message("B", stock, struct.pack(">Q", match))


def others(stock: Stock) -> list[bytes]:
    """Return a message of each type that is about no order, trade or halt."""
    text = stock.text
    return [
        message("Y", stock, text + b"1"),
        message("L", stock, b"NSDQ" + text + b"YNA"),
        message("V", None, struct.pack(">QQQ", 1, 2, 3)),
        message("W", None, b"1"),
        message("K", stock, text + struct.pack(">I1sI", 34_200, b"A", 10_0000)),
        message("J", stock, text + struct.pack(">IIII", 10_0000, 11_0000, 9_0000, 1)),
        message("O", stock, text + b"Y" + struct.pack(">IIIQII", 1, 2, 3, 4, 5, 6)),
        message("I", stock, struct.pack(">QQ1s8sIII2s", 1, 2, b"B", text, 1, 2, 3, b"OL")),
        message("N", stock, text + b"A"),
    ]


def opening(*stocks: Stock) -> list[bytes]:
    """Return how a day begins."""
    return [system("O"), *map(directory, stocks), *map(trading, stocks), system("S")]


def framed(messages: Iterable[bytes]) -> bytes:
    """Return messages with their lengths in front."""
    return b"".join(struct.pack(">H", len(one)) + one for one in messages)


def mold(
    first: int, messages: Sequence[bytes], *, session: bytes = SESSION, count: int = -1
) -> bytes:
    """Return a MoldUDP64 packet.

    Args:
        first: sequence number of the first message.
        messages: what it holds.
        session: 10 bytes.
        count: how many messages it tells; -1 tells the true number.
    """
    told = len(messages) if count < 0 else count
    return session + struct.pack(">QH", first, told) + framed(messages)


def packets(
    messages: Sequence[bytes],
    per_packet: int = 2,
    *,
    time_ns: int = TIME_NS,
    session: bytes = SESSION,
) -> list[Packet]:
    """Return messages in numbered packets, a millisecond apart."""
    return [
        datagram(
            mold(start + 1, messages[start : start + per_packet], session=session),
            time_ns + start * 1_000_000,
        )
        for start in range(0, len(messages), per_packet)
    ]


def source_of(
    *paths: Path, symbols: Sequence[str] | None = None, format_name: str | None = None
) -> Source:
    """Return files as a source, their format told by what is in them unless it is given."""
    one = format_of(paths[0]) if format_name is None else format_named(format_name)
    return one.open(paths, OpenOptions(symbols=symbols))


def events_in(*paths: Path, symbols: Sequence[str] | None = None) -> list[Event]:
    """Return all events of files."""
    source = source_of(*paths, symbols=symbols)
    return [event for chunk in source.chunks() for event in events_of(chunk)]


def of_orders(events: Iterable[Event]) -> list[Event]:
    """Return the events that are not about books as a whole."""
    return [one for one in events if one.action not in (Action.CLEAR, Action.STATUS)]


def statuses(events: Iterable[Event]) -> list[tuple[int, BookStatus, StatusReason]]:
    """Return what is told of books: instrument id, status and reason."""
    return [
        (one.instrument_id, BookStatus(one.size), StatusReason(one.price))
        for one in events
        if one.action == Action.STATUS
    ]


def until_damage(path: Path, *words: str) -> list[Event]:
    """Return the events that come before a FeedError, which must name *words*."""
    events: list[Event] = []
    with one_line_error(FeedError, str(path), *words):
        for chunk in source_of(path).chunks():
            events += events_of(chunk)
    return events
