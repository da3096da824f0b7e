"""Streams that come back: they go on where they were cut off, or begin anew, and never in part."""

from __future__ import annotations

from typing import Any

import pytest

from market_depth.errors import RequestError
from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Resume
from market_depth.streams.window import MAX_RESUME_BYTES
from support.flow import BID, add, cancel, status
from support.follower import Follower
from support.subscribers import EPOCH, WIRES, Collector, Server, on_every_wire, order

DELTA = Mode.DELTA
LINGER_S = 60.0
Message = dict[str, Any]


def new_server(**options: Any) -> Server:
    server = Server(**options)
    server.apply(*[order(number) for number in range(6)])
    return server


@pytest.fixture
def server() -> Server:
    return new_server()


def come_back(
    server: Server, sequence: int, epoch: str = EPOCH, wire: Any = WIRES[0], **fields: Any
) -> tuple[bool, list[Message]]:
    """Subscribe behind a sequence, and go; return whether the stream goes on, and what has come."""
    subscriber = Collector(wire)
    resume = Resume(epoch, sequence)
    server.subscribe(subscriber, "d", **{"mode": DELTA, "resume": resume, **fields})
    subscribed, *messages = subscriber.take()
    assert list(subscribed)[:11][-1] == "resumed"
    server.manager.drop(subscriber)
    return subscribed["resumed"], messages


def positions(messages: list[Message]) -> list[tuple[str, int | None, int]]:
    return [(m["type"], m.get("prev_sequence"), m["sequence"]) for m in messages]


def whole(messages: list[Message], sequence: int) -> bool:
    """Whether messages are one whole view at a sequence."""
    return positions(messages) == [("MarketData", None, sequence)]


@on_every_wire
@pytest.mark.parametrize("interval_ms", [0, 300])
@pytest.mark.parametrize("data_type", [DataType.MBP, DataType.MBO, DataType.BBO])
def test_what_was_missed_follows_exactly(
    server: Server, data_type: DataType, interval_ms: int, wire: Any
) -> None:
    fields: dict[str, Any] = {"data_type": data_type, "interval_ms": interval_ms, "checksum": True}
    stays, goes = Collector(wire), Collector(wire)
    for subscriber in (stays, goes):
        server.subscribe(subscriber, "d", mode=DELTA, **fields)
    for number in range(6):
        server.apply(cancel(number), order(20 + number), add(40 + number, BID, 9999, 1))
        server.beat()
    view = Follower(2, 0, data_type.value)
    for message in goes.take()[1:4]:
        view.take(message)
    assert view.sequence is not None
    server.manager.drop(goes)
    resumed, missing = come_back(server, view.sequence, wire=wire, **fields)
    assert resumed
    assert {message["type"] for message in missing} == {"MarketDelta"}
    for message in missing:
        view.take(message)
    other = Follower(2, 0, data_type.value)
    for message in stays.take()[1:]:
        other.take(message)
    assert (view.sequence, view.bids, view.asks) == (other.sequence, other.bids, other.asks)
    assert server.manager.counters.resumed == 1


def test_who_has_missed_nothing_is_sent_nothing(server: Server) -> None:
    server.subscriber("d", mode=DELTA)
    resumed, missing = come_back(server, 6)
    assert (resumed, missing) == (True, [])


def test_after_the_resumption_the_stream_goes_on(server: Server) -> None:
    server.subscriber("other", mode=DELTA)
    server.apply(order(10))
    server.beat()
    subscriber = Collector()
    server.subscribe(subscriber, "d", mode=DELTA, resume=Resume(EPOCH, 6))
    server.apply(order(11))
    server.beat()
    assert positions(subscriber.take()[1:]) == [("MarketDelta", 6, 7), ("MarketDelta", 7, 8)]


@pytest.mark.parametrize(
    ("sequence", "epoch"),
    [(5, EPOCH), (99, EPOCH), (2**63 - 1, EPOCH), (0, EPOCH), (6, "another"), (6, "")],
)
def test_who_can_not_go_on_begins_anew(server: Server, sequence: int, epoch: str) -> None:
    server.subscriber("other", mode=DELTA)
    server.apply(order(10), order(11))
    server.beat()
    resumed, messages = come_back(server, sequence, epoch)
    assert not resumed
    assert whole(messages, 8)
    assert server.manager.counters.resumed == 0


def test_a_sequence_between_two_messages_is_none_to_go_on_from(server: Server) -> None:
    server.subscriber("other", mode=DELTA)
    server.apply(order(10), order(11), order(12))
    server.beat()
    assert come_back(server, 7)[0] is False


@pytest.mark.parametrize(
    "other",
    [
        {"max_levels": 5},
        {"interval_ms": 100},
        {"checksum": True},
        {"group": "0.10"},
        {"data_type": DataType.MBO},
        {"wire": WIRES[2]},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_view_that_was_not_followed_begins_anew(server: Server, other: dict[str, Any]) -> None:
    server.subscriber("d", mode=DELTA)
    server.apply(order(10))
    server.beat()
    resumed, messages = come_back(server, 6, **other)
    assert not resumed
    assert whole(messages, 7)


def test_the_last_stream_that_has_gone_may_come_back_for_a_minute(server: Server) -> None:
    for wait_s, is_back in ((LINGER_S - 1, True), (LINGER_S + 1, False)):
        subscriber = server.subscriber("d", mode=DELTA)
        server.apply(cancel(50), add(50, BID, 5000, 1))
        server.beat()
        begin = server.book().sequence
        server.manager.drop(subscriber)
        server.apply(add(51, BID, 5001, 1))
        server.apply(cancel(51), add(52, BID, 5002, 1), cancel(52), cancel(50))
        server.now_s += wait_s
        resumed, messages = come_back(server, begin)
        assert resumed is is_back
        if is_back:
            assert positions(messages) == [("MarketDelta", begin, begin + 5)]
        else:
            assert whole(messages, begin + 5)


def test_a_minute_counts_from_when_the_stream_has_gone(server: Server) -> None:
    subscriber = server.subscriber("d", mode=DELTA)
    server.beat(200)
    server.manager.drop(subscriber)
    server.now_s += LINGER_S - 1
    assert come_back(server, 6)[0] is True


def test_a_chain_that_stands_still_makes_nothing_and_is_not_waited_for(server: Server) -> None:
    subscriber = server.subscriber("d", mode=DELTA, interval_ms=0)
    server.manager.drop(subscriber)
    before = server.manager.counters.encoded
    server.apply(order(10))
    server.beat()
    assert server.manager.counters.encoded == before
    assert server.manager.next_due() is None
    assert server.feed.is_prompt is False


def test_only_so_many_chains_are_kept_for_those_who_might_come_back() -> None:
    server = new_server(max_levels=2000)
    for levels in range(1, 1101):
        subscriber = server.subscriber("d", mode=DELTA, max_levels=levels)
        server.manager.drop(subscriber)
    assert len(server.manager._chains._lingering) == 1024
    server.apply(order(10))
    assert come_back(server, 6, max_levels=1100)[0] is True
    assert come_back(server, 6, max_levels=1)[0] is False


def test_a_chain_that_is_not_kept_any_more_takes_no_room(server: Server) -> None:
    subscriber = server.subscriber("d", mode=DELTA, interval_ms=0)
    server.apply(*[order(number) for number in range(10, 20)])
    server.manager.drop(subscriber)
    assert server.manager.window.size_bytes > 0
    server.now_s += LINGER_S + 1
    server.subscriber("d", mode=DELTA, max_levels=1)
    assert server.manager.window.size_bytes == 0


def test_what_the_window_has_no_room_for_is_not_sent_in_part() -> None:
    server = new_server(resume_window_bytes=2000)
    server.subscriber("d", mode=DELTA, interval_ms=0)
    server.apply(*[order(number) for number in range(10, 40)])
    assert 0 < server.manager.window.size_bytes <= 2000
    newest = server.book().sequence
    outcomes = [come_back(server, sequence, interval_ms=0) for sequence in range(6, newest + 1)]
    within = [resumed for resumed, _ in outcomes]
    assert within == sorted(within), "whoever has more can go on if one with less can"
    assert True in within
    assert False in within
    for sequence, (resumed, messages) in enumerate(outcomes, start=6):
        if resumed:
            links = [(before, before + 1) for before in range(sequence, newest)]
            assert positions(messages) == [("MarketDelta", *link) for link in links]
        else:
            assert whole(messages, newest)


def test_a_server_without_a_window_resumes_those_who_have_missed_nothing() -> None:
    server = new_server(resume_window_bytes=0)
    server.subscriber("d", mode=DELTA)
    server.apply(order(10))
    server.beat()
    assert come_back(server, 7) == (True, [])
    assert come_back(server, 6)[0] is False
    assert server.manager.window.size_bytes == 0


def test_one_small_request_is_not_answered_by_a_flood(server: Server) -> None:
    server.subscriber("d", mode=DELTA, interval_ms=0)
    for begin in range(100, 4100, 100):
        server.apply(*[add(begin + number, BID, 9998, 1) for number in range(100)])
    assert server.manager.window.size_bytes > 2 * MAX_RESUME_BYTES
    subscriber = Collector()
    server.subscribe(subscriber, mode=DELTA, interval_ms=0, resume=Resume(EPOCH, 6))
    assert sum(map(len, subscriber.frames)) <= MAX_RESUME_BYTES
    assert subscriber.take()[0]["resumed"] is False


def test_who_comes_back_while_the_feed_is_down_goes_on_when_it_is_back(server: Server) -> None:
    subscriber = server.subscriber("d", mode=DELTA)
    server.manager.drop(subscriber)
    server.apply(status(BookStatus.STALE, StatusReason.GAP), order(10))
    subscriber = Collector()
    with pytest.raises(RequestError):
        server.subscribe(subscriber, "d", mode=DELTA, resume=Resume(EPOCH, 6))
    server.apply(order(11), status(BookStatus.RECOVERED))
    server.beat(0.1)
    told, subscribed, delta = subscriber.take()
    assert (told["type"], subscribed["resumed"]) == ("Status", True)
    assert positions([delta]) == [("MarketDelta", 6, 8)]
