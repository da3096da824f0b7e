"""Statuses: told once to whoever has a stream of the symbol, and to those who wait for its feed."""

from __future__ import annotations

from typing import Any

import pytest

from market_depth.errors import ErrorCode, RequestError
from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Unsubscribe
from support.flow import BID, add, cancel, clear, of, status
from support.sources import instrument
from support.subscribers import BTC, BY_PRICE, ETH, Collector, Server, on_every_wire, order, trade

DELTA = Mode.DELTA
STALE = status(BookStatus.STALE, StatusReason.GAP)
GAP = "messages of the venue are missing"


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(6)], order(0, ETH))
    return server


def told(subscriber: Collector) -> list[tuple[str, str | None]]:
    """Return (type, status or stream id) of what has come."""
    return [(m["type"], m.get("status", m.get("stream_id"))) for m in subscriber.take()]


def wait_for(
    server: Server, subscriber: Collector, stream_id: str = "w", **fields: Any
) -> RequestError:
    """Ask for a stream of a symbol that is down; return the refusal."""
    fields = {"mode": DELTA, **fields}
    with pytest.raises(RequestError, match="is down") as refused:
        server.subscribe(subscriber, stream_id, **fields)
    assert (refused.value.code, refused.value.stream_id) == (ErrorCode.UNAVAILABLE, stream_id)
    return refused.value


def test_a_status_has_the_contracts_fields(server: Server) -> None:
    subscriber = server.subscriber(mode=DELTA)
    server.apply(STALE)
    server.beat(0.1)
    (message,) = subscriber.take()
    assert list(message.items()) == [
        ("type", "Status"),
        ("symbol", BTC),
        ("status", "Stale"),
        ("reason", GAP),
        ("timestamp", "2025-09-16T04:18:26.906069Z"),
    ]


def test_every_status_is_told_once_per_connection_and_symbol(server: Server) -> None:
    many, other, plain = server.subscriber("a", mode=DELTA), Collector(), server.subscriber()
    server.subscribe(many, "b", interval_ms=0)
    server.subscribe(many, "c", data_type=DataType.TRADES)
    server.subscribe(many, "p")
    many.take()
    server.subscribe(other, "e", ETH, mode=DELTA)
    other.take()
    for event, label in (
        (STALE, "Stale"),
        (status(BookStatus.RECOVERED), "Recovered"),
        (status(BookStatus.HALTED, StatusReason.VENUE), "Halted"),
        (status(BookStatus.LIVE), "Live"),
    ):
        server.apply(event)
        for _ in range(3):
            server.beat()
        assert told(many) == [("Status", label)]
    assert told(other) == told(plain) == []


@pytest.mark.parametrize(("may_cross", "label"), [(True, "Halted"), (False, "Stale")])
def test_a_crossed_book_is_told_as_what_it_is(may_cross: bool, label: str) -> None:
    server = Server(instrument(1, BTC, may_cross=may_cross))
    server.apply(order(0), order(1))
    subscriber = server.subscriber(mode=DELTA, interval_ms=0)
    server.apply(add(50, BID, 10_000, 1))
    status, *deltas = subscriber.take()
    assert (status["status"], status["reason"]) == (label, StatusReason.CROSSED.text)
    assert [delta["type"] for delta in deltas] == ["MarketDelta"] * may_cross
    server.apply(cancel(50), cancel(1))
    back, *deltas = subscriber.take()
    assert (back["status"], back["reason"]) == ("Live", None)
    assert [delta["type"] for delta in deltas] == ["MarketDelta"] * (1 + may_cross)


def test_a_status_comes_before_the_data_of_its_moment(server: Server) -> None:
    for interval_ms in (0, 300):
        subscriber = server.subscriber(mode=DELTA, interval_ms=interval_ms)
        server.apply(status(BookStatus.HALTED, StatusReason.VENUE), order(10 + interval_ms))
        server.beat()
        assert [kind for kind, _ in told(subscriber)] == ["Status", "MarketDelta"]
        server.apply(status(BookStatus.LIVE))
        server.manager.drop(subscriber)


def test_a_status_that_is_not_live_follows_subscribed(server: Server) -> None:
    server.apply(status(BookStatus.HALTED, StatusReason.VENUE))
    subscriber = Collector()
    server.subscribe(subscriber, "s", mode=DELTA)
    assert told(subscriber) == [("Subscribed", "s"), ("Status", "Halted"), ("MarketData", "s")]
    plain = Collector()
    server.subscribe(plain, "s")
    assert told(plain) == [("Subscribed", "s"), ("MarketData", "s")]
    server.beat()
    assert told(subscriber) == []


@pytest.mark.parametrize("fields", [{"mode": DELTA}, {"data_type": DataType.TRADES}], ids=str)
def test_a_book_that_nothing_has_come_to_is_no_status(
    server: Server, fields: dict[str, Any]
) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, "s", BY_PRICE, **fields)
    assert told(subscriber) == [("Subscribed", "s"), ("MarketData", "s")]
    server.apply(of(3, add(1, BID, 100, 1)), trade(1, symbol=BY_PRICE))
    server.beat()
    assert "Status" not in dict(told(subscriber))


def test_a_dead_feed_is_told_of_every_symbol(server: Server) -> None:
    subscriber = server.subscriber(mode=DELTA)
    server.subscribe(subscriber, "e", ETH, mode=DELTA)
    subscriber.take()
    server.market.mark_stale()
    server.beat(0.1)
    assert [(m["type"], m["symbol"]) for m in subscriber.take()] == [
        ("Status", BTC),
        ("Status", ETH),
    ]


@on_every_wire
@pytest.mark.parametrize(
    ("event", "label"),
    [
        (status(BookStatus.LIVE), "Live"),
        (status(BookStatus.RECOVERED), "Recovered"),
        (status(BookStatus.HALTED, StatusReason.VENUE), "Halted"),
        (status(BookStatus.WAITING), "Live"),
    ],
    ids=str,
)
def test_a_stream_that_waits_opens_when_the_feed_is_back(
    server: Server, event: Any, label: str, wire: Any
) -> None:
    server.apply(STALE)
    subscriber = Collector(wire)
    wait_for(server, subscriber, "w", id="r9")
    server.beat()
    assert told(subscriber) == []
    assert server.manager.counters.subscriptions == 0
    server.apply(order(10), event)
    server.beat(0.1)
    messages = subscriber.take()
    assert [m["type"] for m in messages] == ["Status", "Subscribed", "MarketData"]
    assert messages[0]["status"] == label
    assert (messages[1]["stream_id"], messages[1]["mode"], messages[1]["id"]) == (
        "w",
        "delta",
        "r9",
    )
    assert messages[2]["sequence"] == 7
    server.apply(order(11))
    server.beat()
    assert [kind for kind, _ in told(subscriber)][-1] == "MarketDelta"
    assert server.manager.counters.subscriptions == 1


def test_several_streams_that_wait_open_in_their_order_behind_one_status(server: Server) -> None:
    server.apply(STALE)
    subscriber, other = Collector(), Collector()
    wait_for(server, subscriber, "a")
    wait_for(server, other, "o")
    wait_for(server, subscriber, "b", data_type=DataType.TRADES, mode=None)
    wait_for(server, subscriber, "c", interval_ms=0)
    server.apply(status(BookStatus.RECOVERED))
    server.beat(0.1)
    opened = [(kind, name) for name in "abc" for kind in ("Subscribed", "MarketData")]
    assert told(subscriber) == [("Status", "Recovered"), *opened]
    assert told(other) == [("Status", "Recovered"), ("Subscribed", "o"), ("MarketData", "o")]


@pytest.mark.parametrize("back", [BookStatus.RECOVERED, BookStatus.LIVE, BookStatus.WAITING])
def test_who_has_a_stream_and_waits_for_another_is_told_once(
    server: Server, back: BookStatus
) -> None:
    subscriber = server.subscriber("open", mode=DELTA)
    server.apply(STALE)
    server.beat()
    assert told(subscriber) == [("Status", "Stale")]
    wait_for(server, subscriber)
    server.apply(clear(), status(back))
    server.beat()
    messages = told(subscriber)
    assert [kind for kind, _ in messages].count("Status") == 1
    assert messages[0][0] == "Status"
    assert messages[1:3] == [("Subscribed", "w"), ("MarketData", "w")]


def test_a_stream_of_the_original_messages_does_not_wait(server: Server) -> None:
    server.apply(STALE)
    subscriber = Collector()
    with pytest.raises(RequestError, match=GAP):
        server.subscribe(subscriber, "s")
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert told(subscriber) == []
    assert server.manager.next_due() is None


def test_a_stream_that_waits_can_be_taken_back(server: Server) -> None:
    server.apply(STALE)
    subscriber = Collector()
    wait_for(server, subscriber)
    server.manager.unsubscribe(subscriber, Unsubscribe("w", id=3))
    assert subscriber.take() == [{"type": "Unsubscribed", "stream_id": "w", "id": 3}]
    assert server.manager.next_due() is None
    with pytest.raises(RequestError, match="no stream 'w'"):
        server.manager.unsubscribe(subscriber, Unsubscribe("w"))
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert told(subscriber) == []


def test_a_stream_that_waits_is_replaced_by_one_of_its_name(server: Server) -> None:
    server.apply(STALE)
    subscriber = Collector()
    wait_for(server, subscriber, max_levels=1)
    wait_for(server, subscriber, max_levels=2)
    server.subscribe(subscriber, "w2", ETH, mode=DELTA)
    assert told(subscriber) == [("Subscribed", "w2"), ("MarketData", "w2")]
    server.apply(status(BookStatus.LIVE))
    server.beat()
    messages = subscriber.take()
    assert [m["type"] for m in messages] == ["Status", "Subscribed", "MarketData"]
    assert len(messages[2]["data"]["bids"]) == 2


def test_a_stream_that_waits_gives_its_name_to_one_of_another_symbol(server: Server) -> None:
    server.apply(STALE)
    subscriber = Collector()
    wait_for(server, subscriber)
    server.subscribe(subscriber, "w", ETH, mode=DELTA)
    assert told(subscriber) == [("Subscribed", "w"), ("MarketData", "w")]
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert told(subscriber) == []
    assert [one.symbol for one in server.manager.subscriptions(subscriber)] == [ETH]


def test_a_request_that_is_wrong_takes_nothing_back(server: Server) -> None:
    server.apply(STALE)
    subscriber = Collector()
    wait_for(server, subscriber)
    with pytest.raises(RequestError, match="group"):
        server.subscribe(subscriber, "w", mode=DELTA, group="x")
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert ("Subscribed", "w") in told(subscriber)


def test_who_asks_again_when_the_feed_is_back_gets_the_stream_once(server: Server) -> None:
    server.apply(STALE)
    subscriber = Collector()
    wait_for(server, subscriber)
    server.apply(status(BookStatus.LIVE))
    server.subscribe(subscriber, "w", mode=DELTA)
    server.beat()
    kinds = [kind for kind, _ in told(subscriber)]
    assert (kinds.count("Subscribed"), kinds.count("MarketData")) == (1, 1)
    assert server.manager.counters.subscriptions == 1


def test_who_goes_while_it_waits_leaves_nothing(server: Server) -> None:
    server.apply(STALE)
    gone, stays = Collector(), Collector()
    wait_for(server, gone, "a")
    wait_for(server, gone, "b")
    wait_for(server, stays, "a")
    server.manager.drop(gone)
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert told(gone) == []
    assert ("Subscribed", "a") in told(stays)
    server.manager.drop(stays)
    assert server.manager.next_due() is None
    assert server.manager.counters.subscriptions == 0


def test_who_has_left_hears_no_more_of_it(server: Server) -> None:
    subscriber = server.subscriber("a", mode=DELTA)
    server.subscribe(subscriber, "b", mode=DELTA)
    server.manager.unsubscribe(subscriber, Unsubscribe("a"))
    subscriber.take()
    server.apply(STALE)
    server.beat()
    assert told(subscriber) == [("Status", "Stale")]
    server.manager.unsubscribe(subscriber, Unsubscribe("b"))
    subscriber.take()
    server.apply(status(BookStatus.LIVE))
    server.beat()
    assert told(subscriber) == []
    assert server.manager.next_due() is None
