"""Bitget's public WebSocket, versions 1 and 2: order books and trades.

The channel `books` begins with a snapshot; `books1`, `books5` and `books15` send nothing else. A
message of `books` has a CRC-32 of the 25 best levels, as a signed number (0 where there is none).

A pair can be traded at the spot market and as futures under one name; futures are called by
their kind too: "BTCUSDT.USDT-FUTURES".

Source: https://www.bitget.com/api-doc/spot/websocket/public/Depth-Channel,
https://www.bitget.com/api-doc/spot/websocket/public/Trades-Channel,
https://bitgetlimited.github.io/apidoc/en/spot/#depth-channel
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Final, Literal

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
from market_depth.feeds.venues.decoding import NS_PER_MS, Milliseconds, Sequence, decode
from market_depth.feeds.venues.textbook import interleaved_crc32, priced_fragment

__all__ = ["VENUE"]

_NAME: Final = "Bitget"
_LEVELS: Final = 25
"""Levels of each side that the checksum is of."""
_DEPTHS: Final = {"books": 400, "books15": 15, "books5": 5, "books1": 1}
_SPOT: Final = ("sp", "spot")
_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK}
_PONG: Final = b"pong"
_ARGUMENT: Final = re.compile(rb'"arg"\s*:\s*\{[^}]*"instId"[^}]*')

_Checksum = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_SideName = Literal["buy", "sell"]
_TradeRow = tuple[Milliseconds, str, str, _SideName]
"""Of version 1: time, price, size, side."""


class _Argument(msgspec.Struct):
    kind: str = msgspec.field(name="instType", default="")
    channel: str = ""
    symbol: str = msgspec.field(name="instId", default="")


class _Message(msgspec.Struct):
    event: str = ""
    arg: _Argument | None = None
    action: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Book(msgspec.Struct):
    ts: Milliseconds
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    checksum: _Checksum = 0
    seq: Sequence = 0


class _Trade(msgspec.Struct):
    """Of version 2."""

    ts: Milliseconds
    price: str
    size: str
    side: _SideName


_MESSAGE: Final = msgspec.json.Decoder(_Message)
# Not strict: times are digits in text.
_BOOKS: Final = msgspec.json.Decoder(list[_Book], strict=False)
_TRADES: Final = msgspec.json.Decoder(list[_TradeRow | _Trade], strict=False)

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
        if text == _PONG:
            return
        message = decode(_MESSAGE, text, _NAME)
        argument = message.arg
        if argument is None:
            return
        if message.event:
            if message.event == "unsubscribe":
                self._books.ended(connection, argument.channel, _symbol(argument))
        elif argument.channel in _DEPTHS:
            self._book(connection, argument, message)
        elif argument.channel == "trade" and message.action == "update":
            # Its snapshot tells of trades from before.
            self._trades(_symbol(argument), decode(_TRADES, message.data, _NAME))

    def _book(self, connection: str, argument: _Argument, message: _Message) -> None:
        if message.action not in ("snapshot", "update"):
            raise FeedError(f"{_NAME}'s book has the action {quoted(message.action)}")
        channel = argument.channel
        subscription = Subscription(connection, channel, _symbol(argument), _DEPTHS[channel])
        for book in decode(_BOOKS, message.data, _NAME):
            checksum = book.checksum & 0xFFFF_FFFF or None
            time = book.ts * NS_PER_MS
            change = BookChange(book.bids, book.asks, checksum, time, book.seq)
            if message.action == "snapshot":
                self._books.snapshot(subscription, change)
            else:
                self._books.update(subscription, change)

    def _trades(self, symbol: str, trades: list[_TradeRow | _Trade]) -> None:
        """Report trades, which come newest first."""
        for place in range(len(trades) - 1, -1, -1):
            trade = trades[place]
            ts, price, size, side = trade if isinstance(trade, tuple) else _row(trade)
            time = ts * NS_PER_MS
            self._sink.trade(symbol, _SIDES[side], price, size, ts_event=time, is_last=place == 0)


def _row(trade: _Trade) -> _TradeRow:
    return trade.ts, trade.price, trade.size, trade.side


def _symbol(argument: _Argument) -> str:
    if argument.kind.lower() in _SPOT:
        return argument.symbol
    return f"{argument.symbol}.{argument.kind.upper()}"


def _recognises(text: bytes) -> bool:
    argument = _ARGUMENT.search(text[:4096])
    return argument is not None and b'"instType"' in argument[0]


VENUE: Final = Venue(
    name="bitget",
    title="Bitget",
    hosts=("ws.bitget.com", "vip-ws-public.bitget.com", "api.bitget.com"),
    recognises=_recognises,
    parser=_Parser,
)
