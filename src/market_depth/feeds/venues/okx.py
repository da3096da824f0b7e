"""OKX's public WebSocket, version 5: order books and trades.

The channels of changes (`books`, `books-l2-tbt`, `books50-l2-tbt`) begin with a snapshot; those
of the best levels (`books5`, `bbo-tbt`) send nothing but snapshots. A message names the `seqId`
of the one before; a smaller one than that after maintenance is no gap. Until it was given up (it
is 0 since then), each message had a CRC-32 of the 25 best levels, as a signed number.

Source: https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel,
https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel
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

_NAME: Final = "OKX"
_LEVELS: Final = 25
"""Levels of each side that the checksum is of."""
_DEPTHS: Final = {
    "books": 400,
    "books-l2-tbt": 400,
    "books50-l2-tbt": 50,
    "books5": 5,
    "bbo-tbt": 1,
}
_WHOLE_CHANNELS: Final = ("books5", "bbo-tbt")
"""Each of their messages is a snapshot, and does not say so."""
_TRADE_CHANNELS: Final = ("trades", "trades-all")
_NO_PREVIOUS: Final = -1
_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK}
_PONG: Final = b"pong"
_ARGUMENT: Final = re.compile(rb'"arg"\s*:\s*\{[^}]*"instId"[^}]*')

_Checksum = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Level = tuple[str, str, str, str]
"""Price, size, nothing any longer, orders."""


class _Argument(msgspec.Struct):
    channel: str = ""
    symbol: str = msgspec.field(name="instId", default="")


class _Message(msgspec.Struct):
    event: str = ""
    arg: _Argument = msgspec.field(default_factory=_Argument)
    action: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Book(msgspec.Struct):
    ts: Milliseconds
    bids: list[_Level]
    asks: list[_Level]
    checksum: _Checksum = 0
    sequence: Sequence = msgspec.field(name="seqId", default=0)
    previous: Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)] = msgspec.field(
        name="prevSeqId", default=_NO_PREVIOUS
    )


class _Trade(msgspec.Struct):
    price: str = msgspec.field(name="px")
    size: str = msgspec.field(name="sz")
    side: Literal["buy", "sell"]
    ts: Milliseconds


_MESSAGE: Final = msgspec.json.Decoder(_Message)
# Not strict: times are digits in text.
_BOOKS: Final = msgspec.json.Decoder(list[_Book], strict=False)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)

_RULE: Final = ChecksumRule(
    priced_fragment, partial(interleaved_crc32, levels=_LEVELS), _LEVELS, count_at=3
)


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._books = CheckedBooks(sink, _RULE)
        self._trade_channels: dict[str, str] = {}
        """From which a symbol's trades are taken; the other tells of the same."""

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
        channel = message.arg.channel
        if message.event:
            if message.event == "unsubscribe":
                self._books.ended(connection, channel, message.arg.symbol)
        elif channel in _DEPTHS:
            self._book(connection, message)
        elif channel in _TRADE_CHANNELS:
            self._trades(channel, message.arg.symbol, decode(_TRADES, message.data, _NAME))

    def _book(self, connection: str, message: _Message) -> None:
        channel, symbol = message.arg.channel, message.arg.symbol
        action = "snapshot" if channel in _WHOLE_CHANNELS else message.action
        if action not in ("snapshot", "update"):
            raise FeedError(f"{_NAME}'s book has the action {quoted(action)}")
        subscription = Subscription(connection, channel, symbol, _DEPTHS[channel])
        for book in decode(_BOOKS, message.data, _NAME):
            change = BookChange(
                book.bids,
                book.asks,
                book.checksum & 0xFFFF_FFFF or None,
                book.ts * NS_PER_MS,
                book.sequence,
                None if book.previous == _NO_PREVIOUS else book.previous,
            )
            if action == "snapshot":
                self._books.snapshot(subscription, change)
            else:
                self._books.update(subscription, change)

    def _trades(self, channel: str, symbol: str, trades: list[_Trade]) -> None:
        if self._trade_channels.setdefault(symbol, channel) != channel:
            return
        last = len(trades) - 1
        for place, trade in enumerate(trades):
            self._sink.trade(
                symbol,
                _SIDES[trade.side],
                trade.price,
                trade.size,
                ts_event=trade.ts * NS_PER_MS,
                is_last=place == last,
            )


def _recognises(text: bytes) -> bool:
    argument = _ARGUMENT.search(text[:4096])
    return argument is not None and b'"instType"' not in argument[0]


VENUE: Final = Venue(
    name="okx",
    title="OKX",
    hosts=("ws.okx.com", "wsaws.okx.com", "wspap.okx.com", "wseea.okx.com", "www.okx.com"),
    recognises=_recognises,
    parser=_Parser,
)
