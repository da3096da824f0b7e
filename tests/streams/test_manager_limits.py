"""Requests that can't be met, and streams that end: nothing is left of either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market_depth.errors import ErrorCode, RequestError
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Unsubscribe
from market_depth.streams import StreamManager
from support.sources import instrument
from support.subscribers import (
    BTC,
    BY_PRICE,
    ETH,
    MAX_LEVELS,
    MAX_STREAMS,
    Collector,
    Server,
    order,
)


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(10)], order(0, ETH))
    return server


def refusal(action: Callable[[], object]) -> RequestError:
    """Return the error of a request that is refused."""
    with pytest.raises(RequestError) as caught:
        action()
    assert len(caught.value.message.splitlines()) == 1
    return caught.value


def channels(manager: StreamManager) -> int:
    return len(manager._cohorts._channels)


def members(manager: StreamManager) -> int:
    return sum(len(cohort.subscribers) for cohort in manager._cohorts)


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ({"symbol": "DOGE"}, ErrorCode.NOT_FOUND, ["'DOGE'", BTC, ETH]),
        ({"symbol": ""}, ErrorCode.NOT_FOUND, ["''", BTC]),
        ({"symbol": "btcusd"}, ErrorCode.NOT_FOUND, ["'btcusd'", BTC]),
        ({"symbol": "X\n" + "Y" * 500}, ErrorCode.NOT_FOUND, [r"'X\nYYY", "…"]),
        ({"max_levels": MAX_LEVELS + 1}, ErrorCode.BAD_REQUEST, ["max_levels", "100", "101"]),
        ({"max_levels": 10**30}, ErrorCode.BAD_REQUEST, ["max_levels", str(10**30)]),
        (
            {"symbol": BY_PRICE, "data_type": DataType.MBO},
            ErrorCode.BAD_REQUEST,
            ["data_type", BY_PRICE, "MBP"],
        ),
        ({"stream_id": "taken"}, ErrorCode.CONFLICT, ["'taken'"]),
    ],
)
def test_what_can_not_be_met_is_refused_and_changes_nothing(
    server: Server, what: dict[str, Any], code: ErrorCode, words: list[str]
) -> None:
    subscriber = server.subscriber("taken")
    merged: dict[str, Any] = {"stream_id": "new", **what}
    error = refusal(lambda: server.subscribe(subscriber, **merged))
    assert error.code is code
    assert error.stream_id == merged["stream_id"]
    for word in words:
        assert word in error.message
    assert len(error.message) < 300
    assert list(subscriber.streams) == ["taken"]
    assert subscriber.take() == []
    assert (channels(server.manager), server.manager.counters.subscriptions) == (1, 1)


def test_a_stream_too_many_is_refused(server: Server) -> None:
    subscriber = Collector()
    for number in range(MAX_STREAMS):
        server.subscribe(subscriber, str(number))
    error = refusal(lambda: server.subscribe(subscriber, "more"))
    assert (error.code, error.stream_id) == (ErrorCode.TOO_MANY, "more")
    assert str(MAX_STREAMS) in error.message
    server.manager.unsubscribe(subscriber, Unsubscribe("3"))
    server.subscribe(subscriber, "more")


def test_a_symbol_whose_feed_is_down_is_refused(server: Server) -> None:
    server.market.mark_stale()
    error = refusal(lambda: server.subscribe(Collector(), "s"))
    assert (error.code, error.stream_id) == (ErrorCode.UNAVAILABLE, "s")
    assert BTC in error.message
    error = refusal(lambda: server.manager.snapshot(BTC, DataType.MBP, 1, server.wall_ns))
    assert error.code is ErrorCode.UNAVAILABLE


def test_a_refused_first_request_leaves_no_member(server: Server) -> None:
    refusal(lambda: server.subscribe(Collector(), symbol="DOGE"))
    assert members(server.manager) == channels(server.manager) == 0
    assert server.manager.next_due() is None


def test_many_symbols_are_not_all_listed() -> None:
    server = Server(*[instrument(number, f"SYM{number}") for number in range(1, 40)])
    message = refusal(lambda: server.subscribe(Collector(), symbol="DOGE")).message
    assert "SYM1, SYM2, SYM3, SYM4, SYM5, …" in message
    assert "SYM6" not in message


@pytest.mark.parametrize(
    ("symbol", "data_type", "levels", "code"),
    [
        ("DOGE", DataType.MBP, 1, ErrorCode.NOT_FOUND),
        (BTC, DataType.MBP, 0, ErrorCode.BAD_REQUEST),
        (BTC, DataType.MBP, -1, ErrorCode.BAD_REQUEST),
        (BTC, DataType.MBP, MAX_LEVELS + 1, ErrorCode.BAD_REQUEST),
        (BY_PRICE, DataType.MBO, 1, ErrorCode.BAD_REQUEST),
    ],
)
def test_a_snapshot_that_can_not_be_had_is_refused(
    server: Server, symbol: str, data_type: DataType, levels: int, code: ErrorCode
) -> None:
    error = refusal(lambda: server.manager.snapshot(symbol, data_type, levels, server.wall_ns))
    assert (error.code, error.stream_id) == (code, None)


def test_an_ended_stream_is_confirmed_and_gets_nothing_more(server: Server) -> None:
    subscriber = server.subscriber("one")
    server.subscribe(subscriber, "two")
    subscriber.take()
    server.manager.unsubscribe(subscriber, Unsubscribe("one"))
    assert subscriber.take() == [{"type": "Unsubscribed", "stream_id": "one"}]
    server.apply(order(10))
    server.beat()
    assert [update["stream_id"] for update in subscriber.take()] == ["two"]


def test_an_unknown_stream_can_not_be_ended(server: Server) -> None:
    subscriber, other = server.subscriber("mine"), server.subscriber("theirs")
    error = refusal(lambda: server.manager.unsubscribe(subscriber, Unsubscribe("theirs")))
    assert (error.code, error.stream_id) == (ErrorCode.NOT_FOUND, "theirs")
    assert "'theirs'" in error.message
    assert list(other.streams) == ["theirs"]


def test_an_ended_streams_name_can_be_used_again(server: Server) -> None:
    subscriber = server.subscriber("s")
    server.manager.unsubscribe(subscriber, Unsubscribe("s"))
    server.subscribe(subscriber, "s", ETH)
    kinds = [(message["type"], message.get("symbol")) for message in subscriber.take()]
    assert kinds == [("Unsubscribed", None), ("Subscribed", ETH), ("MarketData", ETH)]


def test_ended_streams_leave_nothing_behind(server: Server) -> None:
    subscribers = [server.subscriber("a", max_levels=n + 1) for n in range(6)]
    for subscriber in subscribers:
        server.subscribe(subscriber, "b", ETH)
    manager = server.manager
    assert (channels(manager), members(manager), manager.counters.subscriptions) == (7, 6, 12)
    for subscriber in subscribers[:3]:
        manager.unsubscribe(subscriber, Unsubscribe("a"))
        assert subscriber.cohort is not None
        manager.unsubscribe(subscriber, Unsubscribe("b"))
        assert subscriber.cohort is None
    assert (channels(manager), members(manager), manager.counters.subscriptions) == (4, 3, 6)
    for subscriber in subscribers[3:]:
        subscriber.frames.clear()
        manager.drop(subscriber)
        assert (subscriber.frames, subscriber.streams, subscriber.cohort) == ([], {}, None)
    assert (channels(manager), members(manager), manager.counters.subscriptions) == (0, 0, 0)
    assert manager.next_due() is None


def test_a_subscriber_without_streams_can_be_dropped_and_dropped_again(server: Server) -> None:
    subscriber = Collector()
    server.manager.drop(subscriber)
    server.subscribe(subscriber)
    server.manager.drop(subscriber)
    server.manager.drop(subscriber)
    assert server.manager.counters.subscriptions == 0


def test_a_channel_lives_while_one_stream_wants_it(server: Server) -> None:
    first, second = server.subscriber(), server.subscriber()
    server.manager.drop(first)
    server.apply(order(10))
    server.beat()
    assert [update["sequence"] for update in second.take()] == [11]
    assert channels(server.manager) == 1


class Gone(Collector):
    """Can take nothing any more, as a socket that is closing."""

    def write(self, frame: bytes) -> None:
        raise RuntimeError("closed")


def test_a_subscriber_that_can_take_nothing_does_not_harm_the_others(server: Server) -> None:
    first, gone, last = server.subscriber(), Gone(), server.subscriber()
    server.subscribe(gone, "s")
    server.apply(order(10))
    server.beat()
    assert len(first.take()) == len(last.take()) == 1
    server.manager.unsubscribe(gone, Unsubscribe("s"))
    server.manager.drop(gone)
    assert server.manager.counters.subscriptions == 2
