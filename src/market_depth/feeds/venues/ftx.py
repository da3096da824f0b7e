"""FTX's public WebSocket, until the exchange closed in 2022: order books and trades.

A book begins with a `partial`. Each message has a CRC-32 of the 100 best levels, of the numbers
as they stand in it: floats as Python writes them, "0.1", "5.0", "1e-07".

Source: https://web.archive.org/web/2022/https://docs.ftx.com/#orderbooks,
https://github.com/bmoscon/cryptofeed/blob/v2.3.0/cryptofeed/exchanges/ftx.py
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal

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
from market_depth.feeds.venues.decoding import decode, number_text, rfc3339_ns, seconds_ns
from market_depth.feeds.venues.textbook import interleaved_crc32, priced_fragment

__all__ = ["VENUE"]

_NAME: Final = "FTX"
_LEVELS: Final = 100
"""Levels of each side that a book has, and that the checksum is of."""
_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK}

_Checksum = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class _Message(msgspec.Struct):
    channel: str = ""
    market: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Book(msgspec.Struct):
    time: Any
    bids: list[tuple[Any, Any]]
    asks: list[tuple[Any, Any]]
    checksum: _Checksum | None = None


class _Trade(msgspec.Struct):
    price: Any
    size: Any
    side: Literal["buy", "sell"]
    time: str


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_BOOK: Final = msgspec.json.Decoder(_Book, float_hook=str)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], float_hook=str)

_RULE: Final = ChecksumRule(priced_fragment, partial(interleaved_crc32, levels=_LEVELS), _LEVELS)


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
        message = decode(_MESSAGE, text, _NAME)
        if message.channel == "orderbook":
            self._book(connection, message)
        elif message.channel == "trades" and message.type == "update":
            self._trades(message.market, decode(_TRADES, message.data, _NAME))

    def _book(self, connection: str, message: _Message) -> None:
        if message.type in ("subscribed", "error"):
            return
        if message.type == "unsubscribed":
            self._books.ended(connection, message.channel, message.market)
            return
        if message.type not in ("partial", "update"):
            raise FeedError(f"{_NAME}'s book has the type {quoted(message.type)}")
        book = decode(_BOOK, message.data, _NAME)
        subscription = Subscription(connection, message.channel, message.market, _LEVELS)
        time = seconds_ns(number_text(book.time))
        change = BookChange(_rows(book.bids), _rows(book.asks), book.checksum, time)
        if message.type == "partial":
            self._books.snapshot(subscription, change)
        else:
            self._books.update(subscription, change)

    def _trades(self, symbol: str, trades: list[_Trade]) -> None:
        last = len(trades) - 1
        rows = [
            (number_text(trade.price), number_text(trade.size), _time(trade.time))
            for trade in trades
        ]
        for place, (price, size, ts_event) in enumerate(rows):
            side = _SIDES[trades[place].side]
            self._sink.trade(symbol, side, price, size, ts_event=ts_event, is_last=place == last)


def _rows(rows: list[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """Return levels as they were sent; an exponent stays, as the checksum is of it."""
    return [(_sent(price), _sent(size)) for price, size in rows]


def _sent(value: Any) -> str:
    return value if type(value) is str else number_text(value)


def _time(text: str) -> int:
    """Return "2021-07-22T22:45:32.577474+00:00" as ns since 1970."""
    return rfc3339_ns(text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text)


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return b'"channel":' in head and b'"market":' in head and b'"type":' in head


VENUE: Final = Venue(
    name="ftx",
    title="FTX",
    hosts=("ftx.com", "ftexchange.com", "ftx.us"),
    recognises=_recognises,
    parser=_Parser,
)
