"""The chain of a symbol's trades: each of them, as they happen or an interval's together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from market_depth.events import Events, Side
from market_depth.instruments import Instrument
from market_depth.protocol.encoders import Encoder, Member
from market_depth.protocol.messages import Trade, TradesData
from market_depth.protocol.times import format_timestamp
from market_depth.protocol.wire import Tail
from market_depth.streams.chain import Chain, ChainStream
from market_depth.streams.channel import Tick
from market_depth.streams.cohort import FlushCount
from market_depth.streams.key import ChainKey
from market_depth.streams.watch import Watch

__all__ = ["TradeChain", "trades_of"]

_MEMBERS: Final = 5
_SIDES: Final[dict[int, Literal["Bid", "Ask"]]] = {Side.BID: "Bid", Side.ASK: "Ask"}
_MAX_PENDING: Final = 1000
"""Trades that wait for their interval's end at most."""


def trades_of(events: Events, instrument: Instrument, count: int, encoder: Encoder) -> list[Trade]:
    """Return trades as the wire contract tells them.

    Args:
        events: TRADE events of one instrument.
        instrument: which.
        count: trades of it so far, with these.
        encoder: what the numbers are for.
    """
    first = count - len(events) + 1
    return [
        Trade(
            price=encoder.number(price, instrument.price_decimals),
            quantity=encoder.number(size, instrument.quantity_decimals),
            side=_SIDES.get(side),
            timestamp=format_timestamp(ts_event) if ts_event else None,
            trade_number=number,
        )
        for number, (price, size, side, ts_event) in enumerate(
            events[["price", "size", "side", "ts_event"]].tolist(), start=first
        )
    ]


class TradeChain(Chain):
    """Trades of one symbol; none is left out, so whoever can't keep up is given up."""

    __slots__ = ("_pending",)

    can_skip = False

    def __init__(self, key: ChainKey, watch: Watch) -> None:
        super().__init__(key, watch)
        self._pending: list[Trade] = []
        self.sequence = 0
        """Number of the last trade that has been sent."""
        self.book_sequence = self.symbol_book.book.sequence

    @property
    def is_full(self) -> bool:
        """Whether so many trades wait that they should be sent at once."""
        return len(self._pending) >= _MAX_PENDING

    def add(self, trades: list[Trade]) -> None:
        """Take trades that have happened, to be sent with the next message."""
        self._pending += trades

    def advance(self, tick: Tick) -> bool:
        """Make a message of the trades since the last one, if there are any."""
        self.watch.look(tick)
        if not self._pending:
            return False
        last = self._pending[-1]
        trades, self._pending = TradesData(self._pending), []
        self._go_to(last.trade_number)
        self.tail = self._tail(trades, last.timestamp, tick)
        return True

    def first(self, tick: Tick, resync: str | None = None) -> Tail:
        """Return a message without trades."""
        event_ns = self.symbol_book.book.event_ns
        event_timestamp = format_timestamp(event_ns) if event_ns else None
        return self._tail(TradesData([]), event_timestamp, tick)

    def members(self) -> int:
        """Return how many members the tails of usual messages have."""
        return _MEMBERS

    def deliver(self, streams: Iterable[ChainStream], tick: Tick, *, is_new: bool) -> FlushCount:
        """Send the last message to every stream, and give up those that are too far behind."""
        streams = list(streams)
        count = super().deliver(streams, tick, is_new=is_new)
        for stream in streams:
            if stream.is_blocked and stream.subscriber.is_overrun():
                stream.subscriber.give_up("too slow for trades, none of which is left out")
        return count

    def _tail(self, trades: TradesData, event_timestamp: str | None, tick: Tick) -> Tail:
        encoder = self.wire.encoder
        self.book_sequence = self.symbol_book.book.sequence
        members: list[Member] = [
            ("symbol", self.key.symbol),
            ("sequence", self.book_sequence),
            ("timestamp", tick.timestamp),
            ("event_timestamp", event_timestamp),
            ("data", encoder.trades(trades)),
        ]
        return self.wire.seal(encoder.tail(members))
