"""Kraken's public WebSocket, version 1: order books and trades.

A book is as deep as it was subscribed: a level that falls behind that depth is gone without a
word, and is sent again ("republished") when it comes back. Each update has a CRC-32 of the ten
best asks and bids; their prices and sizes count without point and leading zeros.

Source: https://docs.kraken.com/api/docs/websocket-v1/book,
https://docs.kraken.com/api/docs/guides/spot-ws-book-v1,
https://docs.kraken.com/api/docs/websocket-v1/trade
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Side
from market_depth.feeds.venues.base import BookSink, Venue
from market_depth.feeds.venues.checked_books import (
    BookChange,
    CheckedBooks,
    ChecksumRule,
    Subscription,
)
from market_depth.feeds.venues.decoding import decode, seconds_ns
from market_depth.feeds.venues.textbook import TextBook

__all__ = ["VENUE"]

_NAME: Final = "Kraken"
_LEVELS: Final = 10
"""Levels of each side that the checksum is of."""
_DEFAULT_DEPTH: Final = 10
_MAX_CHECKSUM_DIGITS: Final = len(str(2**32))
_MIN_PARTS: Final = 4
_BOOK_MARK: Final = b'"book'
_END_BYTES: Final = 64
"""At the end of a message, which have the names of channel and pair in them."""
_SIDES: Final = {"b": Side.BID, "s": Side.ASK}

_CHANNEL: Final = re.compile(r"book(?:-(\d{1,5}))?", re.ASCII)
_MESSAGE_END: Final = re.compile(rb'"(book(-\d+)?|trade|ticker|spread|ohlc-\d+)","[^"]+"\]\s*$')


class _Level(NamedTuple):
    price: str
    size: str
    time: str
    kind: str = ""
    """"r" if it is only published again."""


class _Event(msgspec.Struct):
    event: str = ""
    status: str = ""
    pair: str = ""
    channel: str = msgspec.field(name="channelName", default="")


class _Sides(msgspec.Struct):
    """Of a book, of one side or both; "as" and "bs" make up a snapshot."""

    asks: list[_Level] = msgspec.field(name="a", default=[])
    bids: list[_Level] = msgspec.field(name="b", default=[])
    all_asks: list[_Level] | None = msgspec.field(name="as", default=None)
    all_bids: list[_Level] | None = msgspec.field(name="bs", default=None)
    checksum: str | None = msgspec.field(name="c", default=None)


class _BookMessage(msgspec.Struct, array_like=True):
    """[id, sides, channel, pair], or [id, asks, bids, channel, pair]."""

    channel_id: Any
    sides: _Sides
    other: _Sides | str
    channel_or_pair: str
    pair: str = ""


class _Trade(msgspec.Struct, array_like=True):
    price: str
    size: str
    time: str
    side: Literal["b", "s"]


_EVENT: Final = msgspec.json.Decoder(_Event)
_PARTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_BOOK: Final = msgspec.json.Decoder(_BookMessage)
_TRADES: Final = msgspec.json.Decoder(list[_Trade])
_TEXT: Final = msgspec.json.Decoder(str)


def _fragment(price: str, size: str) -> str:
    return price.replace(".", "").lstrip("0") + size.replace(".", "").lstrip("0")


def _checksum(book: TextBook) -> int:
    return crc32("".join(book.asks.fragments[:_LEVELS] + book.bids.fragments[:_LEVELS]).encode())


_RULE: Final = ChecksumRule(_fragment, _checksum, _LEVELS, is_cut=True)


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._books = CheckedBooks(sink, _RULE)

    def opened(self, connection: str) -> None:
        self._books.opened(connection)

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def fetched(self, url: str, body: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        if text[:1] == b"{":
            event = decode(_EVENT, text, _NAME)
            if event.event == "subscriptionStatus" and event.status == "unsubscribed":
                self._books.ended(connection, event.channel, event.pair)
            return
        if _BOOK_MARK in text[-_END_BYTES:]:
            self._book(connection, decode(_BOOK, text, _NAME))
            return
        parts = decode(_PARTS, text, _NAME)
        if len(parts) < _MIN_PARTS:
            raise FeedError(f"a message that is not {_NAME}'s: an array of {len(parts)}")
        if decode(_TEXT, parts[-2], _NAME) == "trade":
            self._trades(decode(_TEXT, parts[-1], _NAME), decode(_TRADES, parts[1], _NAME))

    def _book(self, connection: str, message: _BookMessage) -> None:
        sides, other = message.sides, message.other
        bids, asks, checksum = sides.bids, sides.asks, sides.checksum
        if isinstance(other, str):
            channel, symbol = other, message.channel_or_pair
        else:
            channel, symbol = message.channel_or_pair, message.pair
            bids, asks = bids + other.bids, asks + other.asks
            checksum = checksum or other.checksum
        subscription = _subscription(connection, channel, symbol)
        if sides.all_asks is not None or sides.all_bids is not None:
            bids, asks = sides.all_bids or [], sides.all_asks or []
            change = BookChange(bids, asks, ts_event=_time(bids, asks))
            self._books.snapshot(subscription, change)
        else:
            change = BookChange(bids, asks, _number(checksum), _time(bids, asks))
            self._books.update(subscription, change)

    def _trades(self, symbol: str, trades: list[_Trade]) -> None:
        last = len(trades) - 1
        times = [seconds_ns(trade.time) for trade in trades]
        for place, trade in enumerate(trades):
            self._sink.trade(
                symbol,
                _SIDES[trade.side],
                trade.price,
                trade.size,
                ts_event=times[place],
                is_last=place == last,
            )


@lru_cache(maxsize=4096)
def _subscription(connection: str, channel: str, symbol: str) -> Subscription:
    named = _CHANNEL.fullmatch(channel)
    if named is None or not symbol:
        raise FeedError(f"{_NAME}'s channel {quoted(channel)} of {quoted(symbol)} is no book's")
    return Subscription(connection, channel, symbol, int(named[1] or _DEFAULT_DEPTH))


def _number(checksum: str | None) -> int | None:
    if checksum is None:
        return None
    if len(checksum) <= _MAX_CHECKSUM_DIGITS and checksum.isascii() and checksum.isdecimal():
        return int(checksum)
    raise FeedError(f"{_NAME}'s checksum {quoted(checksum)} is none")


def _time(bids: list[_Level], asks: list[_Level]) -> int:
    """Return the time of the newest level; those published again have older ones."""
    if len(bids) + len(asks) == 1:
        return seconds_ns((bids or asks)[0].time)
    times = [row.time for rows in (bids, asks) for row in rows]
    return seconds_ns(max(times)) if times else 0


def _recognises(text: bytes) -> bool:
    if text[:1] == b"[":
        return _MESSAGE_END.search(text[-4096:]) is not None
    head = text[:4096]
    return b'"subscriptionStatus"' in head or b'"systemStatus"' in head


VENUE: Final = Venue(
    name="kraken",
    title="Kraken",
    hosts=("ws.kraken.com", "ws-auth.kraken.com", "beta-ws.kraken.com", "api.kraken.com"),
    recognises=_recognises,
    parser=_Parser,
)
