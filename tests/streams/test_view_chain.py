"""Streams that are told what has changed: once a beat or at every change, and never for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import Wire
from support.flow import ASK, BID, add, at, batch, cancel, modify, status
from support.follower import Follower
from support.subscribers import (
    BTC,
    EPOCH,
    WALL,
    WALL_NS,
    WIRES,
    Collector,
    Server,
    on_every_wire,
    order,
)

DELTA = Mode.DELTA
BY_PRICE_FIELDS = [
    pytest.param({"data_type": DataType.MBP}, id="MBP"),
    pytest.param({"data_type": DataType.MBP, "group": "0.05"}, id="grouped"),
    pytest.param({"data_type": DataType.MBO}, id="MBO"),
    pytest.param({"data_type": DataType.BBO}, id="BBO"),
]


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(10)])
    return server


def churn(server: Server, round_: int) -> None:
    """Change some of everything: orders come, go, shrink and lose their places."""
    first = 100 + 4 * round_
    server.apply(
        add(first, BID, 9990 + round_ % 12, 5, WALL_NS),
        add(first + 1, ASK, 10_008 - round_ % 12, 7, WALL_NS),
        modify(first, BID, 9990 + round_ % 12, 9, WALL_NS + round_),
        cancel(first - 4, size=2),
        cancel(first - 8),
        modify(first - 7, ASK, 10_003, 3, WALL_NS + round_),
    )


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == kind]


def followed(messages: list[dict[str, Any]]) -> Follower:
    """Return what a client makes of its only stream, checksums and sequences checked."""
    (subscribed,) = of_type(messages, "Subscribed")
    follower = Follower(2, 0, subscribed["data_type"])
    for message in messages:
        if message["type"] in ("MarketData", "MarketDelta"):
            follower.take(message)
    return follower


def test_the_first_messages_say_what_the_stream_is(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, "d", max_levels=1, mode=DELTA, interval_ms=100, id=4)
    subscribed, first = subscriber.take()
    assert list(subscribed.items()) == [
        ("type", "Subscribed"),
        ("stream_id", "d"),
        ("symbol", BTC),
        ("data_type", "MBP"),
        ("mode", "delta"),
        ("interval_ms", 100),
        ("epoch", EPOCH),
        ("price_decimals", 2),
        ("quantity_decimals", 0),
        ("tick_size", 0.01),
        ("id", 4),
    ]
    assert list(first.items())[:6] == [
        ("type", "MarketData"),
        ("stream_id", "d"),
        ("symbol", BTC),
        ("sequence", 10),
        ("timestamp", WALL),
        ("event_timestamp", WALL),
    ]
    assert list(first)[6:] == ["data"]


def test_a_delta_says_what_has_changed_and_where_it_goes_on_from(server: Server) -> None:
    subscriber = server.subscriber("d", mode=DELTA, checksum=True, max_levels=1)
    server.apply(at(WALL_NS + 5_000, modify(0, ASK, 10_000, 4)), order(5000))
    server.beat()
    (delta,) = subscriber.take()
    assert list(delta) == [
        *("type", "stream_id", "symbol", "prev_sequence", "sequence", "timestamp"),
        *("event_timestamp", "data", "checksum"),
    ]
    assert (delta["type"], delta["prev_sequence"], delta["sequence"]) == ("MarketDelta", 10, 12)
    assert delta["timestamp"] == "2025-09-16T04:18:27.106069Z"
    assert delta["data"] == {
        "format": "MBP",
        "bids": [],
        "asks": [{"price": 100.0, "quantity": 4, "order_count": 1}],
    }


def test_the_venues_time_is_null_where_it_is_not_known() -> None:
    server = Server()
    subscriber = Collector()
    server.subscribe(subscriber, mode=DELTA)
    assert subscriber.take()[1]["event_timestamp"] is None
    server.apply(at(0, add(1, BID, 100, 1)))
    server.beat()
    assert of_type(subscriber.take(), "MarketDelta")[0]["event_timestamp"] is None
    server.apply(at(WALL_NS + 1500, cancel(1)))
    server.beat()
    (delta,) = of_type(subscriber.take(), "MarketDelta")
    assert delta["event_timestamp"] == "2025-09-16T04:18:26.806070Z"


@on_every_wire
@pytest.mark.parametrize("interval_ms", [0, 300])
@pytest.mark.parametrize("fields", BY_PRICE_FIELDS)
def test_who_joins_between_two_beats_goes_on_exactly(
    server: Server, fields: dict[str, Any], interval_ms: int, wire: Wire
) -> None:
    fields = {**fields, "mode": DELTA, "checksum": True, "interval_ms": interval_ms}
    early, late = Collector(wire), []
    server.subscribe(early, max_levels=4, **fields)
    for round_ in range(30):
        churn(server, round_)
        if round_ % 7 == 3:
            late.append(Collector(wire))
            server.subscribe(late[-1], "late", max_levels=4, **fields)
        if round_ % 3 == 1:
            server.beat()
    server.beat()
    views = [followed(subscriber.take()) for subscriber in (early, *late)]
    assert views[0].deltas > 3
    assert {view.snapshots for view in views} == {1}
    for view in views[1:]:
        assert (view.bids, view.asks, view.sequence) == (
            views[0].bids,
            views[0].asks,
            views[0].sequence,
        )
    fresh = Collector(wire)
    server.subscribe(fresh, max_levels=4, **{**fields, "mode": Mode.SNAPSHOT})
    newest = followed(fresh.take())
    assert (newest.bids, newest.asks) == (views[0].bids, views[0].asks)


def test_who_joins_gets_the_state_at_the_chains_last_message(server: Server) -> None:
    early, late = server.subscriber(mode=DELTA), Collector()
    server.apply(order(10))
    server.subscribe(late, mode=DELTA)
    _, first = late.take()
    assert first["sequence"] == 10
    server.beat()
    assert early.frames == late.frames
    assert [delta["prev_sequence"] for delta in late.take()] == [10]


def test_who_joins_a_view_that_stands_still_gets_todays_ages(server: Server) -> None:
    server.subscriber(mode=DELTA, data_type=DataType.MBO)
    server.beat()
    late = Collector()
    server.subscribe(late, mode=DELTA, data_type=DataType.MBO)
    _, first = late.take()
    assert (first["sequence"], first["timestamp"]) == (10, "2025-09-16T04:18:27.106069Z")
    assert {row["age_ms"] for row in first["data"]["bids"]} == {300}


@pytest.mark.parametrize("interval_ms", [0, 300])
@pytest.mark.parametrize(
    "fields",
    [
        {"data_type": DataType.MBP, "mode": DELTA},
        {"data_type": DataType.MBO, "mode": DELTA},
        {"data_type": DataType.BBO},
        {"data_type": DataType.BBO, "mode": DELTA},
    ],
    ids=str,
)
def test_what_the_view_does_not_show_is_not_told(
    server: Server, fields: dict[str, Any], interval_ms: int
) -> None:
    subscriber = server.subscriber(max_levels=2, interval_ms=interval_ms, **fields)
    server.apply(order(100), order(101), cancel(9))
    server.beat()
    server.apply(order(11), cancel(11))
    server.beat()
    server.apply(add(50, BID, 9999, 3), cancel(50)) if interval_ms else None
    server.beat()
    assert subscriber.take() == []
    server.apply(cancel(1))
    server.beat()
    (update,) = subscriber.take()
    assert update["sequence"] == server.book().sequence
    assert update.get("prev_sequence", 10) == 10


def test_a_best_offer_whose_count_alone_has_changed_is_told(server: Server) -> None:
    subscriber = server.subscriber(data_type=DataType.BBO, interval_ms=0)
    server.apply(cancel(1, size=1))
    server.apply(add(60, BID, 9999, 1))
    first, second = subscriber.take()
    assert first["data"]["bids"][0]["quantity"] == 10
    assert first["data"]["format"] == "BBO"
    assert [len(first["data"][side]) for side in ("bids", "asks")] == [1, 1]
    assert (second["data"]["bids"][0]["quantity"], second["data"]["bids"][0]["order_count"]) == (
        11,
        2,
    )


@pytest.mark.parametrize("mode", [DELTA, Mode.SNAPSHOT])
def test_every_change_is_one_message_however_many_a_batch_holds(server: Server, mode: Mode) -> None:
    subscriber = server.subscriber(mode=mode, interval_ms=0)
    server.apply(*[order(number) for number in range(10, 30)])
    updates = subscriber.take()
    assert [update["sequence"] for update in updates] == list(range(11, 31))
    if mode is DELTA:
        assert [update["prev_sequence"] for update in updates] == list(range(10, 30))
        assert all(len(one["data"]["bids"] + one["data"]["asks"]) == 1 for one in updates)
    assert server.manager.next_due() is not None
    server.beat()
    assert subscriber.take() == []


def test_the_events_of_one_change_are_one_message(server: Server) -> None:
    subscriber = server.subscriber(mode=DELTA, interval_ms=0)
    unfinished = [order(number)._replace(flags=0) for number in (10, 11)]
    server.apply(*unfinished, order(12), order(13))
    assert [update["sequence"] for update in subscriber.take()] == [13, 14]


def test_a_few_changes_that_others_wait_for_are_told_one_by_one_and_many_together(
    server: Server,
) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, mode=DELTA, interval_ms=0, checksum=True)
    server.feed.due = [batch(*[order(number) for number in range(10, 20)])]
    server.subscribe(Collector(), "x")
    messages = subscriber.take()
    assert len(of_type(messages, "MarketDelta")) == 10
    many = [add(1000 + number, BID, 4000 + number, 1) for number in range(5000)]
    server.feed.due = [batch(*many)]
    server.subscribe(Collector(), "y")
    more = subscriber.take()
    assert 1 < len(more) <= 501
    view = followed(messages + more)
    assert view.sequence == 5020
    assert view.bids[0] == (9999, 11, 1)


def test_changes_are_worked_out_and_encoded_once_for_all(server: Server) -> None:
    names = [f"stream-{number}" for number in range(40)]
    for interval_ms in (0, 100):
        subscribers = [
            server.subscriber(name, mode=DELTA, interval_ms=interval_ms) for name in names
        ]
        before = server.manager.counters.encoded
        server.encode_times.clear()
        for round_ in range(3):
            server.apply(order(10 + round_ + interval_ms))
            server.beat(0.1)
        streams = 1 if interval_ms == 0 else 2
        assert server.manager.counters.encoded == before + 3 * streams
        assert len(server.encode_times) == 3 * streams
        tails = [[delta["data"] for delta in one.take()] for one in subscribers]
        assert len(tails[0]) == 3
        assert all(tail == tails[0] for tail in tails)


def test_streams_of_one_name_share_their_frames(server: Server) -> None:
    subscribers = [server.subscriber("same", mode=DELTA) for _ in range(5)]
    server.apply(order(10))
    server.beat()
    frames = [subscriber.frames[0] for subscriber in subscribers]
    assert all(frame is frames[0] for frame in frames)


def test_streams_that_differ_in_anything_do_not_share_a_chain(server: Server) -> None:
    wanted: list[dict[str, Any]] = [
        {"mode": DELTA},
        {"mode": DELTA, "max_levels": 3},
        {"mode": DELTA, "interval_ms": 50},
        {"mode": DELTA, "checksum": True},
        {"mode": DELTA, "group": "0.10"},
        {"mode": DELTA, "data_type": DataType.BBO},
        {"mode": DELTA, "wire": WIRES[2]},
        {"mode": Mode.SNAPSHOT},
    ]
    for fields in wanted * 2:
        server.subscriber(**fields)
    before = server.manager.counters.encoded
    server.apply(order(10), cancel(1))
    server.beat()
    assert server.manager.counters.encoded == before + len(wanted)


def test_a_group_named_in_another_way_is_the_same_view(server: Server) -> None:
    for group in ("0.10", "0.1", "00.1", "0.100"):
        server.subscriber(mode=DELTA, group=group)
    before = server.manager.counters.encoded
    server.apply(order(10))
    server.beat()
    assert server.manager.counters.encoded == before + 1


def test_a_stale_book_is_withheld_and_the_stream_goes_on_where_it_was(server: Server) -> None:
    for interval_ms in (0, 300):
        subscriber = server.subscriber(mode=DELTA, interval_ms=interval_ms)
        begin = server.book().sequence
        server.apply(status(BookStatus.STALE, StatusReason.GAP), cancel(1), order(40))
        server.beat()
        assert {message["type"] for message in subscriber.take()} == {"Status"}
        server.apply(add(1, BID, 9999, 6), status(BookStatus.RECOVERED), order(41))
        server.beat()
        deltas = of_type(subscriber.take(), "MarketDelta")
        assert deltas[0]["prev_sequence"] == begin
        assert deltas[-1]["sequence"] == begin + 4
        server.apply(cancel(40), cancel(41), cancel(1), add(1, BID, 9999, 11))
        server.manager.drop(subscriber)


def test_an_empty_side_is_told_and_comes_back() -> None:
    server = Server()
    server.apply(order(1))
    subscriber = Collector()
    server.subscribe(subscriber, data_type=DataType.BBO, mode=DELTA, interval_ms=0)
    server.apply(cancel(1))
    server.apply(order(0))
    view = subscriber.take()
    assert [(d["data"]["bids"], d["data"]["asks"]) for d in of_type(view, "MarketDelta")] == [
        ([{"price": 99.99, "quantity": 0}], []),
        ([], [{"price": 100.0, "quantity": 10, "order_count": 1}]),
    ]
