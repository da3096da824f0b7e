"""Subscribers that keep what they are sent, and a market to subscribe to."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from typing import Any

import pytest

from market_depth.book import OrderBook
from market_depth.events import Action, Events, Side
from market_depth.instruments import Instrument
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Subscribe
from market_depth.protocol.wire import JSON, Wire, wire_of
from market_depth.streams import StreamManager, StreamOptions, Subscriber
from market_depth.streams.channel import Stopwatch
from market_depth.streams.market import Market
from support.flow import ASK, BID, Event, add, at, batch, of
from support.frames import message_of
from support.sources import instrument

INTERVAL_S = 0.3
BEGIN_S = 1000.0
"""When tests begin, on the monotonic clock."""
WALL_NS = 1_757_996_306_806_069_000
WALL = "2025-09-16T04:18:26.806069Z"
MAX_LEVELS = 100
MAX_STREAMS = 8
EPOCH = "e1"

BTC, ETH, BY_PRICE = "BTCUSD", "ETHUSD", "BYPRICE"
INSTRUMENTS = {
    BTC: instrument(1, BTC),
    ETH: instrument(2, ETH),
    BY_PRICE: instrument(3, BY_PRICE, has_orders=False),
}


WIRES = [
    wire_of(name, is_compressed=is_compressed)
    for name in ("json", "msgpack")
    for is_compressed in (False, True)
]
on_every_wire = pytest.mark.parametrize(
    "wire", WIRES, ids=["JSON", "JSON deflated", "MessagePack", "MessagePack deflated"]
)


def payload(frame: bytes) -> bytes:
    """Return what a text frame carries, having checked that its header fits."""
    assert frame[0] == 0x81
    length, start = frame[1], 2
    if length == 126:
        length, start = int.from_bytes(frame[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(frame[2:10], "big"), 10
    assert len(frame) == start + length
    return frame[start:]


class Collector(Subscriber):
    """Keeps every frame."""

    def __init__(self, wire: Wire = JSON) -> None:
        super().__init__(wire)
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        assert type(frame) is bytes
        self.frames.append(frame)

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that have come since the last call."""
        read = self._read_json if self.wire is JSON else message_of
        messages = [read(frame) for frame in self.frames]
        self.frames.clear()
        return messages

    @staticmethod
    def _read_json(frame: bytes) -> dict[str, Any]:
        message = json.loads(payload(frame))
        assert isinstance(message, dict)
        return message


class FakeFeed:
    """A feed whose market is as far on as the wall clock, or behind it."""

    def __init__(self) -> None:
        self.lag_s = 0.0
        self.behind_ns = 0
        self.due: list[Events] = []
        self.asked_for: list[list[int]] = []
        """Of which instruments what is due was asked for, call by call."""
        self.is_prompt = False

    def due_events(self, wall_ns: int, instrument_ids: Container[int]) -> Iterator[Events]:
        self.asked_for.append([number for number in range(1, 10) if number in instrument_ids])
        due, self.due = self.due, []
        yield from due

    def market_time_ns(self, wall_ns: int) -> int:
        return wall_ns - self.behind_ns

    def be_prompt(self, is_prompt: bool) -> None:
        self.is_prompt = is_prompt


class Server:
    """A stream manager over a market, with a clock that is turned by hand.

    Args:
        instruments: of the market; `INSTRUMENTS` if there are none.
        options: fields of `StreamOptions`.
    """

    def __init__(self, *instruments: Instrument, **options: Any) -> None:
        self.feed = FakeFeed()
        self.market = Market(instruments or INSTRUMENTS.values())
        self.encode_times: list[float] = []
        self.manager = StreamManager(
            self.market,
            StreamOptions(
                **{
                    "interval_ms": round(1000 * INTERVAL_S),
                    "max_levels": MAX_LEVELS,
                    "max_streams": MAX_STREAMS,
                    "epoch": EPOCH,
                    **options,
                }
            ),
            feed=self.feed,
            stopwatch=Stopwatch(lambda: 0.0, self.encode_times.append),
        )
        self.now_s = BEGIN_S

    @property
    def wall_ns(self) -> int:
        return WALL_NS + round((self.now_s - BEGIN_S) * 1e9)

    def book(self, symbol: str = BTC) -> OrderBook:
        symbol_book = self.market.get(symbol)
        assert symbol_book is not None
        return symbol_book.book

    def apply(self, *events: Event) -> None:
        self.manager.apply(batch(*events), self.wall_ns)

    def subscribe(
        self,
        subscriber: Subscriber,
        stream_id: str = "s",
        symbol: str = BTC,
        data_type: DataType = DataType.MBP,
        max_levels: int = 20,
        **fields: Any,
    ) -> None:
        request = Subscribe(
            stream_id=stream_id,
            symbol=symbol,
            data_type=data_type,
            max_levels=max_levels,
            **fields,
        )
        self.manager.subscribe(subscriber, request, self.now_s, self.wall_ns)

    def subscriber(self, stream_id: str = "s", wire: Wire = JSON, **what: Any) -> Collector:
        """Return a new subscriber with one stream, who has read its first messages."""
        subscriber = Collector(wire)
        self.subscribe(subscriber, stream_id, **what)
        subscriber.frames.clear()
        return subscriber

    def beat(self, seconds: float = INTERVAL_S) -> None:
        """Move on by an interval and flush everything that is due."""
        self.now_s += seconds
        while (due := self.manager.next_due()) is not None and due <= self.now_s:
            self.manager.flush(self.now_s, self.wall_ns)


def order(number: int, symbol: str = BTC) -> Event:
    """Return a new order: bids from 99.99 down, asks from 100.00 up."""
    side = BID if number % 2 else ASK
    price = 9999 - number // 2 if side is BID else 10_000 + number // 2
    return of(INSTRUMENTS[symbol].instrument_id, add(number, side, price, 10 + number, WALL_NS))


def trade(
    number: int, price: int = 10_000, symbol: str = BTC, side: Side = BID, size: int = 5
) -> Event:
    """Return a trade, a whole change, *number* ms after the beginning."""
    event = Event(price=price, size=size, action=Action.TRADE, side=side)
    return of(INSTRUMENTS[symbol].instrument_id, at(WALL_NS + number * 1_000_000, event))
