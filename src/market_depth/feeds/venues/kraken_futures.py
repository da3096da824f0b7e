"""Kraken Futures' public WebSocket: order books and trades.

A book begins with a `book_snapshot`; each message after it changes one level, and has a `seq`
one more than that before it of the same product.

Source: https://docs.kraken.com/api/docs/futures-api/websocket/book,
https://docs.kraken.com/api/docs/futures-api/websocket/trade
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from market_depth.events import Side, StatusReason
from market_depth.feeds.venues.base import BookSink, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import (
    NS_PER_MS,
    Milliseconds,
    Sequence,
    decode,
    number_text,
)

__all__ = ["VENUE"]

_NAME: Final = "Kraken Futures"
_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK}


class _Head(msgspec.Struct):
    feed: str = ""
    event: str = ""
    product_ids: list[str] = []


class _Change(msgspec.Struct):
    product_id: str
    side: Literal["buy", "sell"]
    seq: Sequence
    price: Any
    qty: Any
    timestamp: Milliseconds = 0


class _Level(msgspec.Struct):
    price: Any
    qty: Any


class _Snapshot(msgspec.Struct):
    product_id: str
    seq: Sequence
    bids: list[_Level]
    asks: list[_Level]
    timestamp: Milliseconds = 0


class _Trade(msgspec.Struct):
    product_id: str
    side: Literal["buy", "sell"]
    price: Any
    qty: Any
    seq: Sequence = 0
    time: Milliseconds = 0


_HEAD: Final = msgspec.json.Decoder(_Head)
_CHANGE: Final = msgspec.json.Decoder(_Change, float_hook=str)
_SNAPSHOT: Final = msgspec.json.Decoder(_Snapshot, float_hook=str)
_TRADE: Final = msgspec.json.Decoder(_Trade, float_hook=str)


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._sequences: dict[str, int] = {}
        self._connections: dict[str, str] = {}
        """By which a book comes; the same from another is passed over."""

    def opened(self, connection: str) -> None:
        self._continuity.opened(connection)

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def fetched(self, url: str, body: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        head = decode(_HEAD, text, _NAME)
        feed = head.feed
        if head.event:
            if head.event == "unsubscribed" and feed == "book":
                for symbol in head.product_ids:
                    if self._connections.get(symbol) == connection:
                        self._continuity.lost(symbol, StatusReason.VENUE)
        elif feed == "book":
            self._change(connection, decode(_CHANGE, text, _NAME))
        elif feed == "trade":
            self._trade(decode(_TRADE, text, _NAME))
        elif feed == "book_snapshot":
            self._snapshot(connection, decode(_SNAPSHOT, text, _NAME))

    def _snapshot(self, connection: str, snapshot: _Snapshot) -> None:
        symbol = snapshot.product_id
        if symbol in self._continuity.live and self._connections[symbol] != connection:
            return
        bids, asks = _rows(snapshot.bids), _rows(snapshot.asks)
        ts_event = snapshot.timestamp * NS_PER_MS
        self._sequences[symbol] = snapshot.seq
        self._connections[symbol] = connection
        self._sink.snapshot(symbol, bids, asks, ts_event=ts_event, sequence=snapshot.seq)
        self._continuity.restored(symbol, connection, ts_event=ts_event)

    def _change(self, connection: str, change: _Change) -> None:
        symbol = change.product_id
        row = ((number_text(change.price), number_text(change.qty)),)
        ts_event = change.timestamp * NS_PER_MS
        if symbol not in self._continuity.live:
            self._continuity.joined(symbol, ts_event=ts_event)
            return
        if self._connections[symbol] != connection:
            return
        if self._is_next(symbol, change.seq, ts_event):
            bids, asks = (row, ()) if change.side == "buy" else ((), row)
            self._sink.levels(symbol, bids, asks, ts_event=ts_event, sequence=change.seq)

    def _is_next(self, symbol: str, sequence: int, ts_event: int) -> bool:
        """Check a sequence; the book is lost where others lie between."""
        last = self._sequences[symbol]
        if sequence == last + 1:
            self._sink.checked(symbol, True, "sequence")
            self._sequences[symbol] = sequence
            return True
        self._sink.checked(symbol, False, "sequence", f"{sequence} instead of {last + 1}")
        if sequence != last:  # not the last message once more
            self._continuity.lost(symbol, StatusReason.GAP, ts_event=ts_event)
        return False

    def _trade(self, trade: _Trade) -> None:
        self._sink.trade(
            trade.product_id,
            _SIDES[trade.side],
            number_text(trade.price),
            number_text(trade.qty),
            ts_event=trade.time * NS_PER_MS,
            sequence=trade.seq,
        )


def _rows(levels: list[_Level]) -> list[tuple[str, str]]:
    return [(number_text(level.price), number_text(level.qty)) for level in levels]


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return b'"feed":' in head and (b'"product_id":' in head or b'"product_ids":' in head)


VENUE: Final = Venue(
    name="kraken-futures",
    title="Kraken Futures",
    hosts=("futures.kraken.com", "demo-futures.kraken.com", "www.cryptofacilities.com"),
    recognises=_recognises,
    parser=_Parser,
)
