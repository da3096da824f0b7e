"""Bybit's public WebSocket, version 5: order books and trades; also its historical books.

Each message of a book has an update id `u`, one more than that of the message before; a snapshot
may come at any time, and `u` of 1 is one after a restart of the service. The historical files
have the same messages, one a line.

A pair can be traded at the spot market and as a perpetual under one name; by connections of the
spot market it is called "BTCUSDT.SPOT".

Source: https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook,
https://bybit-exchange.github.io/docs/v5/websocket/public/trade
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Side, StatusReason
from market_depth.feeds.venues.base import BookSink, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import NS_PER_MS, Milliseconds, Sequence, decode

__all__ = ["VENUE"]

_NAME: Final = "Bybit"
_RESTARTED: Final = 1
"""Update id of the snapshot after a restart of the venue's service."""
_SIDES: Final = {"Buy": Side.BID, "Sell": Side.ASK}


class _Message(msgspec.Struct):
    topic: str = ""
    type: str = ""
    ts: Milliseconds = 0
    cts: Milliseconds = 0
    """When the matching engine made it."""
    data: msgspec.Raw = msgspec.Raw()


class _Book(msgspec.Struct):
    u: Sequence
    b: list[tuple[str, str]] = []
    a: list[tuple[str, str]] = []
    seq: Sequence = 0


class _Trade(msgspec.Struct):
    side: Literal["Buy", "Sell"] = msgspec.field(name="S")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="v")
    ts: Milliseconds = msgspec.field(name="T")
    seq: Sequence = 0


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_BOOK: Final = msgspec.json.Decoder(_Book)
_TRADES: Final = msgspec.json.Decoder(list[_Trade])


class _State(msgspec.Struct):
    """Of one book."""

    depth: int
    """Of the deepest subscription; the others of the symbol are passed over."""
    update_id: int = 0


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._books: dict[str, _State] = {}

    def opened(self, connection: str) -> None:
        self._continuity.opened(connection)

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def fetched(self, url: str, body: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        message = decode(_MESSAGE, text, _NAME)
        topic = message.topic
        if topic.startswith("orderbook."):
            depth, _, symbol = topic[len("orderbook.") :].partition(".")
            if not symbol or not depth.isascii() or not depth.isdecimal() or len(depth) > 4:
                if depth == "full" and symbol:
                    return  # its snapshots are not in this stream
                raise FeedError(f"{_NAME}'s topic {quoted(topic)} names no book")
            self._book(connection, _symbol(connection, symbol), int(depth), message)
        elif topic.startswith("publicTrade."):
            self._trades(_symbol(connection, topic[len("publicTrade.") :]), message)

    def _book(self, connection: str, symbol: str, depth: int, message: _Message) -> None:
        book = decode(_BOOK, message.data, _NAME)
        ts_event = (message.cts or message.ts) * NS_PER_MS
        state = self._books.get(symbol)
        if message.type == "snapshot" or book.u == _RESTARTED:
            if state is not None and depth < state.depth:
                return
            sequence = book.seq
            self._sink.snapshot(symbol, book.b, book.a, ts_event=ts_event, sequence=sequence)
            self._books[symbol] = _State(depth, book.u)
            self._continuity.restored(symbol, connection, ts_event=ts_event)
        elif message.type != "delta":
            raise FeedError(f"{_NAME}'s book has the type {quoted(message.type)}")
        elif symbol not in self._continuity.live or state is None:
            self._continuity.joined(symbol, ts_event=ts_event)
        elif depth == state.depth and self._is_next(symbol, state, book.u, ts_event):
            self._sink.levels(symbol, book.b, book.a, ts_event=ts_event, sequence=book.seq)
            state.update_id = book.u

    def _is_next(self, symbol: str, state: _State, update_id: int, ts_event: int) -> bool:
        """Check an update id; the book is lost where others lie between."""
        expected = state.update_id + 1
        if update_id == expected:
            self._sink.checked(symbol, True, "update id")
            return True
        detail = f"{update_id} instead of {expected}"
        self._sink.checked(symbol, False, "update id", detail)
        if update_id != state.update_id:  # not the last message once more
            self._continuity.lost(symbol, StatusReason.GAP, ts_event=ts_event)
        return False

    def _trades(self, symbol: str, message: _Message) -> None:
        trades = decode(_TRADES, message.data, _NAME)
        last = len(trades) - 1
        for place, trade in enumerate(trades):
            self._sink.trade(
                symbol,
                _SIDES[trade.side],
                trade.price,
                trade.size,
                ts_event=trade.ts * NS_PER_MS,
                sequence=trade.seq,
                is_last=place == last,
            )


def _symbol(connection: str, symbol: str) -> str:
    return f"{symbol}.SPOT" if "/public/spot" in connection else symbol


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return b'"topic"' in head and (b'"orderbook.' in head or b'"publicTrade.' in head)


VENUE: Final = Venue(
    name="bybit",
    title="Bybit",
    hosts=("stream.bybit.com", "stream-testnet.bybit.com", "api.bybit.com"),
    recognises=_recognises,
    parser=_Parser,
)
