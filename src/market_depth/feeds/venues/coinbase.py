"""Coinbase Advanced Trade's WebSocket: the channels level2 and market_trades.

`sequence_num` counts all messages of a connection from 0, whatever their channel; what is missing
may have been of any book. The side of a trade is the maker's.

Source: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Side, StatusReason
from market_depth.feeds.venues.base import BookSink, LevelRows, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import Sequence, decode, rfc3339_ns

__all__ = ["VENUE"]

_NAME: Final = "Coinbase"
_AGGRESSORS: Final = {"BUY": Side.ASK, "SELL": Side.BID}


class _Message(msgspec.Struct):
    channel: str = ""
    timestamp: str = ""
    sequence_num: Sequence | None = None
    events: msgspec.Raw = msgspec.Raw()


class _Level(msgspec.Struct):
    side: Literal["bid", "offer"]
    event_time: str
    price_level: str
    new_quantity: str


class _Levels(msgspec.Struct):
    type: str
    product_id: str
    updates: list[_Level] = []


class _Trade(msgspec.Struct):
    product_id: str
    price: str
    size: str
    time: str
    side: str


class _Trades(msgspec.Struct):
    type: str
    trades: list[_Trade] = []


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_LEVELS: Final = msgspec.json.Decoder(list[_Levels])
_TRADES: Final = msgspec.json.Decoder(list[_Trades])


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._sequences: dict[str, int] = {}

    def opened(self, connection: str) -> None:
        self._sequences[connection] = -1
        self._continuity.opened(connection)

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def fetched(self, url: str, body: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        message = decode(_MESSAGE, text, _NAME)
        sequence = message.sequence_num
        if sequence is None:
            return
        if message.channel == "l2_data":
            events = decode(_LEVELS, message.events, _NAME)
            for event in events:
                if event.type not in ("snapshot", "update"):
                    raise FeedError(f"{_NAME}'s book has the type {quoted(event.type)}")
            symbol = events[0].product_id if events else ""
            if self._is_next(connection, symbol, sequence):
                for event in events:
                    self._levels(connection, event, message.timestamp, sequence)
        elif message.channel == "market_trades":
            trades = [
                trade
                for event in decode(_TRADES, message.events, _NAME)
                if event.type == "update"  # a snapshot tells of trades from before
                for trade in event.trades
            ]
            if self._is_next(connection, "", sequence):
                self._trades(trades, sequence)
        else:
            self._is_next(connection, "", sequence)
        self._sequences[connection] = sequence

    def _is_next(self, connection: str, symbol: str, sequence: int) -> bool:
        """Check a message's sequence; return whether it is new.

        All books that have come by the connection are lost where messages lie between.
        """
        last = self._sequences.get(connection)
        if last is None:
            return True
        is_next = sequence == last + 1
        detail = "" if is_next else f"{sequence} instead of {last + 1}"
        self._sink.checked(symbol, is_next, "sequence_num", detail)
        if is_next or sequence == last:
            return is_next
        for lost in self._continuity.symbols_of(connection):
            self._continuity.lost(lost, StatusReason.GAP)
        return True

    def _levels(self, connection: str, event: _Levels, timestamp: str, sequence: int) -> None:
        symbol = event.product_id
        updates = event.updates
        ts_event = rfc3339_ns(updates[-1].event_time if updates else timestamp)
        bids: LevelRows = [(u.price_level, u.new_quantity) for u in updates if u.side == "bid"]
        asks: LevelRows = [(u.price_level, u.new_quantity) for u in updates if u.side == "offer"]
        if event.type == "snapshot":
            self._sink.snapshot(symbol, bids, asks, ts_event=ts_event, sequence=sequence)
            self._continuity.restored(symbol, connection, ts_event=ts_event)
        elif symbol in self._continuity.live:
            self._sink.levels(symbol, bids, asks, ts_event=ts_event, sequence=sequence)
        else:
            self._continuity.joined(symbol, ts_event=ts_event)

    def _trades(self, trades: list[_Trade], sequence: int) -> None:
        """Report trades, which come newest first."""
        for trade in reversed(trades):
            self._sink.trade(
                trade.product_id,
                _AGGRESSORS.get(trade.side, Side.NONE),
                trade.price,
                trade.size,
                ts_event=rfc3339_ns(trade.time),
                sequence=sequence,
            )


def _recognises(text: bytes) -> bool:
    return b'"sequence_num"' in text[:4096] and b'"channel"' in text[:4096]


VENUE: Final = Venue(
    name="coinbase",
    title="Coinbase Advanced Trade",
    hosts=("advanced-trade-ws.coinbase.com", "api.coinbase.com"),
    recognises=_recognises,
    parser=_Parser,
)
