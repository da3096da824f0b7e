"""Streams of trades: each of them, numbered without gaps, as they happen or together."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from market_depth.errors import ErrorCode, RequestError
from market_depth.events import Side
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import JSON, Wire
from support.flow import ASK, BID, batch, unfinished
from support.subscribers import BTC, ETH, WALL, Collector, Server, on_every_wire, order, trade

TRADES = DataType.TRADES


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(order(0), order(1), order(0, ETH))
    return server


def trades_in(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the trades of all messages."""
    return list(chain.from_iterable(message["data"]["trades"] for message in messages))


def numbers_in(messages: list[dict[str, Any]]) -> list[int]:
    return [one["trade_number"] for one in trades_in(messages)]


@on_every_wire
def test_a_trade_is_told_as_it_happens(server: Server, wire: Wire) -> None:
    subscriber = Collector(wire)
    server.subscribe(subscriber, "t", data_type=TRADES)
    subscribed, first = subscriber.take()
    assert (subscribed["mode"], subscribed["interval_ms"]) == ("snapshot", 0)
    assert first["data"] == {"format": "TRADES", "trades": []}
    assert (first["sequence"], first["event_timestamp"]) == (2, WALL)
    server.apply(trade(0, 10_001, side=ASK))
    (update,) = subscriber.take()
    assert list(update) == [
        *("type", "stream_id", "symbol", "sequence", "timestamp", "event_timestamp", "data")
    ]
    assert (update["type"], update["sequence"], update["event_timestamp"]) == (
        "MarketData",
        2,
        WALL,
    )
    (told,) = update["data"]["trades"]
    assert list(told) == ["price", "quantity", "side", "timestamp", "trade_number"]
    assert (float(told["price"]), told["quantity"]) == (100.01, 5)
    assert (told["side"], told["timestamp"], told["trade_number"]) == ("Ask", WALL, 1)


@pytest.mark.parametrize(("side", "label"), [(BID, "Bid"), (ASK, "Ask"), (Side.NONE, None)])
def test_the_side_is_the_aggressors(server: Server, side: Side, label: str | None) -> None:
    subscriber = server.subscriber(data_type=TRADES)
    server.apply(trade(0, side=side)._replace(ts_event=0))
    (told,) = trades_in(subscriber.take())
    assert (told["side"], told["timestamp"]) == (label, None)


def test_the_trades_of_one_change_come_together_and_those_of_several_apart(
    server: Server,
) -> None:
    subscriber = server.subscriber(data_type=TRADES)
    server.apply(unfinished(trade(0)), unfinished(trade(1)), order(10), trade(2), order(11))
    first, second = subscriber.take()
    assert (numbers_in([first]), numbers_in([second])) == ([1, 2], [3])
    assert first["sequence"] == 3, "behind the change that they are a part of"


def test_none_is_lost_in_batches_of_mixed_symbols(server: Server) -> None:
    bitcoin, ether = server.subscriber(data_type=TRADES), server.subscriber("e", symbol=ETH)
    slow_ether = server.subscriber("s", symbol=ETH, data_type=TRADES, interval_ms=100)
    server.subscribe(ether, "t", ETH, data_type=TRADES)
    ether.take()
    for round_ in range(20):
        server.apply(
            trade(round_, 100 + round_),
            unfinished(trade(round_, 200 + round_, ETH)),
            trade(round_, 300 + round_),
            order(100 + round_),
            trade(round_, 400 + round_, ETH),
        )
    server.feed.due = [batch(trade(50, 1), trade(50, 2, ETH), trade(51, 3), order(500, ETH))]
    server.beat()
    told = trades_in(bitcoin.take())
    assert [one["trade_number"] for one in told] == list(range(1, 43))
    prices = [round(100 * one["price"]) for one in told]
    assert prices[:40] == [price + r for r in range(20) for price in (100, 300)]
    assert prices[40:] == [1, 3]
    ether_trades = [one for one in ether.take() if one["stream_id"] == "t"]
    for messages in (ether_trades, slow_ether.take()):
        assert numbers_in(messages) == list(range(1, 42))
        assert [round(100 * one["price"]) for one in trades_in(messages)] == [
            *[price + r for r in range(20) for price in (200, 400)],
            2,
        ]


def test_trades_are_counted_from_the_start_whether_anybody_listens_or_not(server: Server) -> None:
    server.apply(trade(0), trade(1))
    subscriber = server.subscriber(data_type=TRADES)
    server.apply(trade(2))
    assert numbers_in(subscriber.take()) == [3]


def test_the_trades_of_an_interval_come_together(server: Server) -> None:
    subscriber = server.subscriber(data_type=TRADES, interval_ms=100)
    for number in range(5):
        server.apply(trade(number))
    assert subscriber.take() == []
    server.beat(0.1)
    (update,) = subscriber.take()
    assert numbers_in([update]) == [1, 2, 3, 4, 5]
    server.apply(order(10))
    server.beat(0.1)
    assert subscriber.take() == [], "no trades, no message"


def test_a_flood_does_not_wait_for_the_intervals_end(server: Server) -> None:
    subscriber = server.subscriber(data_type=TRADES, interval_ms=60_000)
    for begin in range(0, 2500, 50):
        server.apply(*[trade(begin + number) for number in range(50)])
    early = subscriber.take()
    assert [len(message["data"]["trades"]) for message in early] == [1000, 1000]
    server.beat(60)
    assert numbers_in(early + subscriber.take()) == list(range(1, 2501))


def test_who_joins_later_begins_with_none_and_misses_none_from_there(server: Server) -> None:
    early = server.subscriber(data_type=TRADES)
    server.apply(trade(0))
    late = Collector()
    server.subscribe(late, "late", data_type=TRADES)
    _, first = late.take()
    assert numbers_in([first]) == []
    server.apply(trade(1))
    assert numbers_in(early.take()) == [1, 2]
    assert numbers_in(late.take()) == [2]


class Tardy(Collector):
    """Reads slowly, and at last not at all."""

    def __init__(self, wire: Wire = JSON) -> None:
        super().__init__(wire)
        self.overrun = False
        self.reasons: list[str] = []

    def is_overrun(self) -> bool:
        return self.overrun

    def give_up(self, reason: str) -> None:
        self.reasons.append(reason)


@pytest.mark.parametrize("interval_ms", [0, 100])
def test_a_slow_reader_is_sent_every_trade_until_there_is_no_more_room(
    server: Server, interval_ms: int
) -> None:
    slow, quick = Tardy(), server.subscriber(data_type=TRADES, interval_ms=interval_ms)
    server.subscribe(slow, data_type=TRADES, interval_ms=interval_ms)
    slow.take()
    slow.is_blocked = True
    for number in range(3):
        server.apply(trade(number))
        server.beat(0.1)
    assert numbers_in(slow.take()) == [1, 2, 3]
    assert slow.reasons == []
    assert server.manager.counters.skipped == 0
    slow.overrun = True
    server.apply(trade(3))
    server.beat(0.1)
    assert len(slow.reasons) == 1
    assert "trades" in slow.reasons[0]
    assert numbers_in(quick.take()) == [1, 2, 3, 4]


def test_a_slow_reader_that_wants_no_trades_is_not_given_up(server: Server) -> None:
    slow = Tardy()
    for mode in (Mode.DELTA, Mode.SNAPSHOT):
        server.subscribe(slow, mode.value, mode=mode, interval_ms=0)
    slow.is_blocked = slow.overrun = True
    server.apply(order(10), trade(1))
    server.beat()
    assert slow.reasons == []


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": Mode.DELTA},
        {"checksum": True},
        {"group": "0.10"},
    ],
    ids=str,
)
def test_what_does_not_go_with_trades_is_refused(server: Server, fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as refused:
        server.subscribe(Collector(), data_type=TRADES, **fields)
    assert refused.value.code is ErrorCode.BAD_REQUEST
    assert next(iter(fields)) in refused.value.message


def test_a_stale_symbols_trades_are_told_all_the_same(server: Server) -> None:
    subscriber = server.subscriber(data_type=TRADES)
    server.market.mark_stale()
    server.apply(trade(0))
    messages = subscriber.take()
    assert [message["type"] for message in messages] == ["Status", "MarketData"]
    assert numbers_in(messages[1:]) == [1]


def test_a_symbols_last_stream_of_trades_leaves_nothing(server: Server) -> None:
    subscribers = [server.subscriber(data_type=TRADES, interval_ms=ms) for ms in (0, 100)]
    for subscriber in subscribers:
        server.manager.drop(subscriber)
    server.apply(trade(0))
    assert server.manager.next_due() is None
    again = server.subscriber(data_type=TRADES, interval_ms=100)
    server.beat()
    assert again.take() == []
    server.apply(trade(1, symbol=BTC))
    server.beat()
    assert numbers_in(again.take()) == [2]
