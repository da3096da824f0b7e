"""What a client is told of symbols and of its own streams."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from market_depth.errors import RequestError
from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.messages import DataType, Symbols
from market_depth.protocol.requests import Mode, Unsubscribe
from market_depth.protocol.wire import JSON, Wire, wire_of
from support.flow import status
from support.frames import message_of
from support.sources import instrument
from support.subscribers import BTC, BY_PRICE, ETH, MAX_STREAMS, Collector, Server, order, trade

MSGPACK = wire_of("msgpack", is_compressed=False)
FIELDS = [
    *("stream_id", "symbol", "data_type", "max_levels", "mode", "interval_ms", "group"),
    *("checksum", "sequence"),
]


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(6)], order(0, ETH))
    return server


def listed(server: Server, subscriber: Collector) -> dict[str, list[Any]]:
    """Return a subscriber's streams as they are told, by stream id."""
    rows = [msgspec.to_builtins(one) for one in server.manager.subscriptions(subscriber)]
    assert all(list(row) == FIELDS for row in rows)
    return {row["stream_id"]: list(row.values())[1:] for row in rows}


def test_nobody_has_streams_to_begin_with(server: Server) -> None:
    assert server.manager.subscriptions(Collector()) == []


def test_every_stream_is_told_as_it_is(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, "plain", max_levels=7)
    server.subscribe(subscriber, "snapshot", ETH, mode=Mode.SNAPSHOT, interval_ms=10**9)
    server.subscribe(subscriber, "delta", mode=Mode.DELTA, interval_ms=0, checksum=True)
    server.subscribe(subscriber, "steps", group="0.50", max_levels=3)
    server.subscribe(subscriber, "orders", data_type=DataType.MBO, mode=Mode.DELTA)
    server.subscribe(subscriber, "best", BY_PRICE, DataType.BBO)
    server.subscribe(subscriber, "trades", data_type=DataType.TRADES)
    assert listed(server, subscriber) == {
        "plain": [BTC, "MBP", 7, "snapshot", 300, None, False, 6],
        "snapshot": [ETH, "MBP", 20, "snapshot", 60_000, None, False, 1],
        "delta": [BTC, "MBP", 20, "delta", 0, None, True, 6],
        "steps": [BTC, "MBP", 3, "snapshot", 300, "0.50", False, 6],
        "orders": [BTC, "MBO", 20, "delta", 300, None, False, 6],
        "best": [BY_PRICE, "BBO", 1, "snapshot", 300, None, False, 0],
        "trades": [BTC, "TRADES", None, "snapshot", 0, None, False, 6],
    }


def test_the_sequence_is_that_of_the_streams_last_message(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, "plain")
    server.subscribe(subscriber, "beat", mode=Mode.DELTA)
    server.subscribe(subscriber, "live", mode=Mode.DELTA, interval_ms=0)
    server.subscribe(subscriber, "trades", data_type=DataType.TRADES)
    subscriber.take()
    for events in ([order(10)], [trade(1)], []):
        server.apply(*events)
        server.beat()
        for message in subscriber.take():
            if message["type"] in ("MarketData", "MarketDelta"):
                told = listed(server, subscriber)[message["stream_id"]]
                assert told[-1] == message["sequence"]
    sequences = {name: row[-1] for name, row in listed(server, subscriber).items()}
    assert sequences == {"plain": 7, "beat": 7, "live": 7, "trades": 7}


def test_what_has_ended_is_not_told(server: Server) -> None:
    subscriber = server.subscriber("a", mode=Mode.DELTA)
    server.subscribe(subscriber, "b")
    server.manager.unsubscribe(subscriber, Unsubscribe("a"))
    assert list(listed(server, subscriber)) == ["b"]


def test_a_stream_that_waits_is_told_without_a_sequence(server: Server) -> None:
    server.apply(status(BookStatus.STALE, StatusReason.GAP))
    subscriber = Collector()
    server.subscribe(subscriber, "e", ETH)
    with pytest.raises(RequestError):
        server.subscribe(subscriber, "w", mode=Mode.DELTA, group="0.10", max_levels=5)
    with pytest.raises(RequestError):
        server.subscribe(subscriber, "t", data_type=DataType.TRADES)
    rows = listed(server, subscriber)
    assert rows["w"] == [BTC, "MBP", 5, "delta", 300, "0.10", False, None]
    assert rows["t"] == [BTC, "TRADES", None, "snapshot", 0, None, False, None]
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert {name: row[-1] for name, row in listed(server, subscriber).items()} == {
        "e": 1,
        "w": 6,
        "t": 6,
    }


def test_streams_that_wait_count_as_streams(server: Server) -> None:
    server.apply(status(BookStatus.STALE, StatusReason.GAP))
    subscriber = Collector()
    for number in range(MAX_STREAMS):
        with pytest.raises(RequestError, match="feed of BTCUSD is down"):
            server.subscribe(subscriber, str(number), mode=Mode.DELTA)
    for symbol in (BTC, ETH):
        with pytest.raises(RequestError, match="too many streams"):
            server.subscribe(subscriber, "more", symbol, mode=Mode.DELTA)
    server.manager.unsubscribe(subscriber, Unsubscribe("0"))
    server.subscribe(subscriber, "more", ETH, mode=Mode.DELTA)


@pytest.mark.parametrize(("wire", "tick"), [(JSON, "1E-8"), (MSGPACK, 1e-8)])
def test_symbols_are_told_on_every_wire(wire: Wire, tick: float | str) -> None:
    server = Server(
        instrument(1, "FINE", price_decimals=8, quantity_decimals=3),
        instrument(2, "WHOLE", price_decimals=0, has_orders=False),
    )
    server.apply(status(BookStatus.STALE, StatusReason.GAP))
    fine, whole = message_of(wire.message(Symbols(server.manager.symbols(wire))))["symbols"]
    assert list(fine) == [
        *("symbol", "tick_size", "price_decimals", "quantity_decimals", "data_types"),
        *("status", "reason"),
    ]
    assert (fine["symbol"], fine["price_decimals"], fine["quantity_decimals"]) == ("FINE", 8, 3)
    assert str(fine["tick_size"]) == str(tick)
    assert (fine["status"], fine["reason"]) == ("Stale", "messages of the venue are missing")
    assert fine["data_types"] == ["MBP", "MBO", "BBO", "TRADES"]
    assert "reason" not in whole
    assert (whole["tick_size"], whole["data_types"]) == (1, ["MBP", "BBO", "TRADES"])
