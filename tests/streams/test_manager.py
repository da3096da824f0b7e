"""Streams: opened with the book as it is, then told of what has changed, once an interval."""

from __future__ import annotations

import json

import pytest

from market_depth.errors import RequestError
from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Unsubscribe
from support.flow import batch, cancel, status
from support.subscribers import (
    BTC,
    BY_PRICE,
    ETH,
    INSTRUMENTS,
    WALL,
    Collector,
    Server,
    order,
    payload,
)


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(10)], order(0, ETH), order(1, ETH))
    return server


def test_a_subscription_is_answered_and_the_book_as_it_is_follows(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, "btc_mbp", max_levels=1)
    assert [payload(frame).decode() for frame in subscriber.frames] == [
        '{"type":"Subscribed","stream_id":"btc_mbp","symbol":"BTCUSD","data_type":"MBP"}',
        '{"type":"MarketData","stream_id":"btc_mbp","symbol":"BTCUSD","sequence":10,'
        f'"timestamp":"{WALL}","data":{{"format":"MBP","bids":[{{"price":99.99,"quantity":11,'
        '"order_count":1,"side":"Bid","total_quantity":11,"avg_age_ms":0}],"asks":[{"price":100.00,'
        '"quantity":10,"order_count":1,"side":"Ask","total_quantity":10,"avg_age_ms":0}]}}',
    ]


def test_an_mbo_stream_shows_orders(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, data_type=DataType.MBO, max_levels=2)
    _, first = subscriber.take()
    assert first["data"]["format"] == "MBO"
    assert [row["order_id"] for row in first["data"]["bids"]] == ["1", "3"]
    assert [row["order_id"] for row in first["data"]["asks"]] == ["0", "2"]


def test_a_symbol_without_events_yet_is_shown_empty(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, symbol=BY_PRICE)
    _, first = subscriber.take()
    assert (first["sequence"], first["data"]) == (0, {"format": "MBP", "bids": [], "asks": []})


def test_a_change_is_told_at_the_next_beat_and_not_before(server: Server) -> None:
    subscriber = server.subscriber()
    server.apply(cancel(0))
    assert subscriber.take() == []
    server.beat()
    (update,) = subscriber.take()
    assert update["sequence"] == 11
    assert update["data"]["asks"][0]["price"] == 100.01
    assert update["timestamp"] == "2025-09-16T04:18:27.106069Z"


def test_many_changes_between_two_beats_are_one_message(server: Server) -> None:
    subscriber = server.subscriber()
    for number in range(10, 60):
        server.apply(order(number))
    server.beat()
    (update,) = subscriber.take()
    assert update["sequence"] == 60


def test_an_unchanged_book_sends_nothing(server: Server) -> None:
    subscriber = server.subscriber()
    server.apply(order(5, ETH))
    server.apply(cancel(99))  # changes nothing
    for _ in range(3):
        server.beat()
    assert subscriber.take() == []
    assert server.manager.counters.messages == 1


def test_only_streams_whose_book_changed_are_told(server: Server) -> None:
    subscriber = Collector()
    for stream_id, symbol in (("b", BTC), ("e", ETH), ("b2", BTC)):
        server.subscribe(subscriber, stream_id, symbol)
    subscriber.take()
    server.apply(order(10))
    server.beat()
    assert [update["stream_id"] for update in subscriber.take()] == ["b", "b2"]


def test_a_view_is_encoded_once_for_all_who_want_it(server: Server) -> None:
    subscribers = [server.subscriber(f"stream-{number}") for number in range(50)]
    for _ in range(3):
        before = server.manager.counters.encoded
        server.encode_times.clear()
        server.apply(order(server.manager.counters.encoded + 1000))
        server.beat()
        assert server.manager.counters.encoded == before + 1
        assert len(server.encode_times) == 1
        assert all(len(subscriber.take()) == 1 for subscriber in subscribers)


def test_each_distinct_view_is_encoded_once(server: Server) -> None:
    views = [
        (BTC, DataType.MBP, 5),
        (BTC, DataType.MBP, 6),
        (BTC, DataType.MBO, 5),
        (ETH, DataType.MBP, 5),
    ]
    for symbol, data_type, levels in views * 2:
        server.subscriber(symbol=symbol, data_type=data_type, max_levels=levels)
    before = server.manager.counters.encoded
    server.apply(order(10), order(10, ETH))
    server.beat()
    assert server.manager.counters.encoded == before + len(views)


def test_frames_of_one_view_differ_in_the_stream_id_alone(server: Server) -> None:
    names = ["a", "bb", 'quote"d', "π 🙂", "x" * 128]
    subscribers = {name: server.subscriber(name) for name in names}
    server.apply(order(10))
    server.beat()
    tails = set()
    for name, subscriber in subscribers.items():
        (frame,) = subscriber.frames
        head = (
            b'{"type":"MarketData","stream_id":%b,' % json.dumps(name, ensure_ascii=False).encode()
        )
        assert payload(frame).startswith(head)
        tails.add(payload(frame)[len(head) :])
    assert len(tails) == 1


def test_streams_of_one_name_share_their_frame(server: Server) -> None:
    subscribers = [server.subscriber("same") for _ in range(5)]
    server.apply(order(10))
    server.beat()
    frames = [subscriber.frames[0] for subscriber in subscribers]
    assert all(frame is frames[0] for frame in frames)


def test_a_frame_that_was_handed_out_stays_as_it_is(server: Server) -> None:
    subscriber = server.subscriber()
    server.apply(order(10))
    server.beat()
    (frame,) = subscriber.frames
    copy = bytes(bytearray(frame))
    server.apply(order(11))
    server.beat()
    assert frame == copy
    assert subscriber.frames[1] != frame


def test_a_blocked_subscriber_misses_updates_and_then_gets_the_newest(server: Server) -> None:
    slow, quick = server.subscriber(), server.subscriber()
    slow.is_blocked = True
    for number in (10, 11, 12):
        server.apply(order(number))
        server.beat()
    assert slow.take() == []
    assert [update["sequence"] for update in quick.take()] == [11, 12, 13]
    assert server.manager.counters.skipped == 3
    slow.is_blocked = False
    server.beat()
    assert [update["sequence"] for update in slow.take()] == [13]
    assert quick.take() == []


def test_a_view_that_only_blocked_subscribers_want_is_not_computed(server: Server) -> None:
    server.subscriber().is_blocked = True
    before = server.manager.counters.encoded
    server.apply(order(10))
    server.beat()
    assert server.manager.counters.encoded == before


def test_a_stale_book_is_withheld_until_it_is_good_again(server: Server) -> None:
    early = server.subscriber()
    server.apply(order(10), status(BookStatus.STALE, StatusReason.GAP), order(11))
    server.beat()
    assert early.take() == []
    assert server.manager.counters.skipped == 0
    with pytest.raises(RequestError, match="messages of the venue are missing") as refused:
        server.subscriber()
    assert refused.value.code == 503
    server.apply(order(12), status(BookStatus.RECOVERED))
    server.beat()
    assert [update["sequence"] for update in early.take()] == [13]
    late = server.subscriber()
    assert late.streams


def test_a_halted_book_is_shown(server: Server) -> None:
    subscriber = server.subscriber()
    server.apply(order(10), status(BookStatus.HALTED, StatusReason.VENUE))
    server.beat()
    assert [update["sequence"] for update in subscriber.take()] == [11]


def test_nothing_is_computed_when_nobody_wants_it(server: Server) -> None:
    for number in range(10, 20):
        server.apply(order(number))
        server.beat()
    server.manager.flush_all(server.wall_ns)
    assert server.manager.next_due() is None
    assert server.encode_times == []
    assert server.manager.counters.encoded == 0


def test_two_streams_at_one_sequence_agree(server: Server) -> None:
    early, late = server.subscriber("narrow", max_levels=3), Collector()
    server.apply(order(20), order(21))
    server.beat()
    server.subscribe(late, "wide")
    server.subscribe(late, "orders", data_type=DataType.MBO)
    (narrow,) = early.take()
    wide, orders = (message for message in late.take() if message["type"] == "MarketData")
    assert narrow["sequence"] == wide["sequence"] == orders["sequence"]
    for side in ("bids", "asks"):
        assert wide["data"][side][:3] == narrow["data"][side]
        assert [(row["price"], row["quantity"]) for row in orders["data"][side]] == [
            (row["price"], row["quantity"]) for row in wide["data"][side]
        ]


def test_sequences_never_go_back(server: Server) -> None:
    subscriber = server.subscriber()
    for number in range(10, 40):
        server.apply(order(number), *([cancel(number - 1)] if number % 3 else []))
        if number % 4 == 0:
            server.beat()
    sequences = [update["sequence"] for update in subscriber.take()]
    assert len(sequences) == 7
    assert sequences == sorted(set(sequences))


def test_what_is_due_at_the_feed_is_applied_before_a_look(server: Server) -> None:
    subscriber = Collector()
    server.feed.due = [batch(order(10)), batch(order(11))]
    server.subscribe(subscriber)
    assert subscriber.take()[1]["sequence"] == 12
    server.feed.due = [batch(order(12))]
    server.beat()
    assert [update["sequence"] for update in subscriber.take()] == [13]
    server.feed.due = [batch(order(13))]
    sequence, _ = server.manager.snapshot(BTC, DataType.MBP, 1, server.wall_ns)
    assert sequence == 14
    server.feed.due = [batch(order(14))]
    server.manager.flush_all(server.wall_ns)
    assert [update["sequence"] for update in subscriber.take()] == [15]


def test_only_what_is_watched_is_asked_for(server: Server) -> None:
    subscriber = server.subscriber("b")
    server.subscribe(subscriber, "b2", max_levels=7)
    assert server.feed.asked_for == [[1], [1]]
    server.subscribe(subscriber, "e", ETH)
    server.beat()
    server.manager.unsubscribe(subscriber, Unsubscribe("b"))
    server.beat()
    server.manager.unsubscribe(subscriber, Unsubscribe("b2"))
    server.beat()
    assert server.feed.asked_for[2:] == [[2], [1, 2], [1, 2], [2]]


def test_ages_are_told_in_market_time(server: Server) -> None:
    server.feed.behind_ns = -2_500_000_000
    subscriber = Collector()
    server.subscribe(subscriber, data_type=DataType.MBO, max_levels=1)
    _, first = subscriber.take()
    assert first["data"]["bids"][0]["age_ms"] == 2500
    assert first["timestamp"] == WALL


def test_the_last_words_of_a_feed_do_not_wait_for_the_beat(server: Server) -> None:
    subscribers = [server.subscriber() for _ in range(2)]
    server.apply(order(10))
    server.manager.flush_all(server.wall_ns)
    assert [[u["sequence"] for u in s.take()] for s in subscribers] == [[11], [11]]


def test_what_is_sent_is_counted(server: Server) -> None:
    subscribers = [server.subscriber() for _ in range(3)]
    counters = server.manager.counters
    assert (counters.subscriptions, counters.messages) == (3, 3)
    bytes_before = counters.size_bytes
    server.apply(order(10))
    server.beat()
    assert counters.messages == 6
    sent = sum(len(frame) for subscriber in subscribers for frame in subscriber.frames)
    assert counters.size_bytes - bytes_before == sent


def test_symbols_are_described(server: Server) -> None:
    shown = {info.symbol: info for info in server.manager.symbols()}
    assert list(shown) == list(INSTRUMENTS)
    btc, by_price = shown[BTC], shown[BY_PRICE]
    assert encode_json(btc.tick_size) == b"0.01"
    assert (btc.price_decimals, btc.quantity_decimals) == (2, 0)
    assert (btc.data_types, btc.status) == (list(DataType), "Live")
    by_price_types = [DataType.MBP, DataType.BBO, DataType.TRADES]
    assert (by_price.data_types, by_price.status) == (by_price_types, "Waiting")


def test_a_snapshot_is_the_data_of_a_market_data(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, max_levels=3)
    sequence, data = server.manager.snapshot(BTC, DataType.MBP, 3, server.wall_ns)
    assert payload(subscriber.frames[1]).endswith(b'"data":%b}' % data)
    assert sequence == 10
    assert server.manager.counters.messages == 1
