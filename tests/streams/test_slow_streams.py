"""Slow readers of opted-in streams: they skip, are told so, and go on from the whole view."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from market_depth.events import BookStatus, StatusReason
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import Wire
from support.flow import BID, add, cancel, status
from support.follower import Follower
from support.subscribers import Collector, Server, on_every_wire, order

DELTA = Mode.DELTA


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(6)])
    return server


def read_again(server: Server, subscriber: Collector) -> None:
    """Let a subscriber read, as a connection does whose buffer is empty again."""
    subscriber.is_blocked = False
    server.manager.caught_up(subscriber, server.wall_ns)


def kinds(subscriber: Collector) -> list[tuple[Any, ...]]:
    """Return (type, skipped or (sequence before, sequence)) of what has come."""
    return [
        (m["type"], m["skipped"])
        if m["type"] == "Lagged"
        else (m["type"], m.get("prev_sequence"), m["sequence"])
        for m in subscriber.take()
    ]


@on_every_wire
@pytest.mark.parametrize("mode", [DELTA, Mode.SNAPSHOT])
@pytest.mark.parametrize("interval_ms", [0, 300])
@pytest.mark.parametrize("data_type", [DataType.MBP, DataType.MBO, DataType.BBO])
def test_a_slow_reader_skips_is_told_and_is_exact_again(
    server: Server, data_type: DataType, interval_ms: int, mode: Mode, wire: Wire
) -> None:
    fields: dict[str, Any] = {
        "data_type": data_type,
        "mode": mode,
        "interval_ms": interval_ms,
        "checksum": True,
    }
    slow, quick = Collector(wire), Collector(wire)
    for subscriber in (slow, quick):
        server.subscribe(subscriber, "d", **fields)
    slow.is_blocked = True
    slow.take()
    for number in range(4):
        server.apply(cancel(number), add(20 + number, BID, 9999, 1))
        server.beat()
    assert slow.take() == []
    missed = 8 if interval_ms == 0 else 4
    if data_type is not DataType.BBO:
        assert server.manager.counters.skipped == missed
    read_again(server, slow)
    server.beat()
    lagged, fresh = slow.take()
    assert list(lagged) == ["type", "stream_id", "skipped"]
    assert (lagged["type"], lagged["stream_id"]) == ("Lagged", "d")
    assert lagged["skipped"] == server.manager.counters.skipped
    assert (fresh["type"], fresh["resync"]) == ("MarketData", "slow_consumer")
    assert list(fresh)[-2:] == ["checksum", "resync"]
    view, other = (Follower(2, 0, data_type.value) for _ in range(2))
    view.take(fresh)
    server.apply(cancel(4), order(30))
    server.beat()
    after = slow.take()
    assert after
    assert all("resync" not in message for message in after)
    for message in after:
        view.take(message)
    for message in quick.take()[1:]:
        other.take(message)
    assert (view.sequence, view.bids, view.asks) == (other.sequence, other.bids, other.asks)


def test_a_live_stream_goes_on_the_moment_its_reader_does(server: Server) -> None:
    slow = server.subscriber(mode=DELTA, interval_ms=0)
    slow.is_blocked = True
    server.apply(order(10), order(11))
    read_again(server, slow)
    assert kinds(slow) == [("Lagged", 2), ("MarketData", None, 8)]
    server.apply(order(12))
    assert kinds(slow) == [("MarketDelta", 8, 9)]


def test_a_live_stream_that_has_missed_something_begins_anew_at_the_next_change(
    server: Server,
) -> None:
    slow = server.subscriber(mode=DELTA, interval_ms=0)
    slow.is_blocked = True
    server.apply(order(10))
    slow.is_blocked = False
    server.apply(order(11))
    assert kinds(slow) == [("Lagged", 1), ("MarketData", None, 8)]


def test_a_stream_of_an_interval_begins_anew_at_once_having_missed_its_moment(
    server: Server,
) -> None:
    slow = server.subscriber(mode=DELTA)
    slow.is_blocked = True
    server.apply(order(10))
    server.beat()
    read_again(server, slow)
    assert kinds(slow) == [("Lagged", 1), ("MarketData", None, 7)]
    server.beat()
    assert slow.take() == []


def test_who_was_slow_while_nothing_changed_has_missed_nothing(server: Server) -> None:
    slow = server.subscriber(mode=DELTA)
    slow.is_blocked = True
    server.beat()
    read_again(server, slow)
    server.apply(order(10))
    server.beat()
    assert kinds(slow) == [("MarketDelta", 6, 7)]
    assert server.manager.counters.skipped == 0


def test_who_reads_again_before_the_beat_has_missed_nothing(server: Server) -> None:
    slow = server.subscriber(mode=DELTA)
    slow.is_blocked = True
    server.apply(order(10))
    read_again(server, slow)
    server.beat()
    assert kinds(slow) == [("MarketDelta", 6, 7)]


def test_every_stream_is_told_for_itself(server: Server) -> None:
    slow = server.subscriber("live", mode=DELTA, interval_ms=0)
    server.subscribe(slow, "beat", mode=DELTA)
    server.subscribe(slow, "still", mode=DELTA, max_levels=1)
    server.subscribe(slow, "plain")
    slow.take()
    slow.is_blocked = True
    for number in range(3):
        server.apply(order(10 + number))
        server.beat()
    read_again(server, slow)
    server.beat()
    lagged = {m["stream_id"]: m["skipped"] for m in slow.take() if m["type"] == "Lagged"}
    assert lagged == {"live": 3, "beat": 3}


def test_a_reader_that_is_slow_once_more_is_told_once_more(server: Server) -> None:
    slow = server.subscriber(mode=DELTA)
    for number in range(3):
        slow.is_blocked = True
        server.apply(order(10 + number))
        server.beat()
        slow.is_blocked = False
        server.beat()
    assert kinds(slow) == [
        line for number in range(3) for line in (("Lagged", 1), ("MarketData", None, 7 + number))
    ]


def test_those_who_were_slow_together_share_one_view(server: Server) -> None:
    slow = [server.subscriber(f"s{number}", mode=DELTA, interval_ms=0) for number in range(20)]
    for subscriber in slow:
        subscriber.is_blocked = True
    server.apply(order(10))
    for subscriber in slow:
        subscriber.is_blocked = False
    server.beat()
    server.apply(order(11))
    tails = [subscriber.take()[1]["data"] for subscriber in slow]
    assert all(tail == tails[0] for tail in tails)


def test_a_stream_that_begins_while_its_reader_is_slow_begins(server: Server) -> None:
    slow = server.subscriber("a", mode=DELTA)
    slow.is_blocked = True
    server.subscribe(slow, "b", mode=DELTA, max_levels=3)
    assert [m["type"] for m in slow.take()] == ["Subscribed", "MarketData"]
    server.apply(order(7), cancel(1))
    server.beat()
    assert slow.take() == []
    slow.is_blocked = False
    server.beat()
    assert [m["type"] for m in slow.take()] == ["Lagged", "MarketData"] * 2


class Narrow(Collector):
    """Is full after so many frames, as a socket's buffer."""

    room = 3

    def write(self, frame: bytes) -> None:
        super().write(frame)
        if len(self.frames) >= self.room:
            self.is_blocked = True


def test_a_reader_that_gets_full_in_the_midst_of_a_beat_skips_the_rest(server: Server) -> None:
    narrow = Narrow()
    for number in range(5):
        server.subscribe(narrow, str(number), mode=DELTA, max_levels=1 + number)
    narrow.frames.clear()
    narrow.is_blocked = False
    server.apply(cancel(0))
    server.beat()
    assert [m["stream_id"] for m in narrow.take()] == ["0", "1", "2"]
    assert server.manager.counters.skipped == 2
    read_again(server, narrow)
    narrow.room = 100
    server.beat()
    assert [(m["type"], m["stream_id"]) for m in narrow.take()] == [
        (kind, name) for name in ("3", "4") for kind in ("Lagged", "MarketData")
    ]


@pytest.mark.parametrize(
    "fields",
    [{"mode": DELTA, "interval_ms": 0}, {"mode": DELTA}, {"mode": Mode.SNAPSHOT}, {}],
    ids=["live", "delta", "snapshot", "plain"],
)
def test_every_stream_of_a_reader_that_stays_slow_has_its_turn(
    server: Server, fields: dict[str, Any]
) -> None:
    """It takes one view at a time, and while it does the book goes on."""
    narrow = Narrow()
    for number in range(4):
        server.subscribe(narrow, str(number), max_levels=5 + number, **fields)
    narrow.room = 1 if not fields else 2
    narrow.is_blocked = True
    seen: Counter[str] = Counter()
    for round_ in range(16):
        narrow.frames.clear()
        server.apply(add(100 + round_, BID, 9999, 1))
        server.beat()
        read_again(server, narrow)
        server.beat()
        seen.update(m["stream_id"] for m in narrow.take() if m["type"] == "MarketData")
    assert set(seen) == set("0123")
    assert max(seen.values()) <= 2 * min(seen.values())


@pytest.mark.parametrize("interval_ms", [0, 300])
def test_who_catches_up_while_the_book_is_stale_gets_the_last_good_one(
    server: Server, interval_ms: int
) -> None:
    slow = server.subscriber(mode=DELTA, interval_ms=interval_ms)
    slow.is_blocked = True
    server.apply(order(10))
    server.beat()
    server.apply(status(BookStatus.STALE, StatusReason.GAP), *[cancel(n) for n in range(6)])
    server.beat()
    read_again(server, slow)
    server.beat()
    told, lagged, fresh = slow.take()
    assert (told["status"], lagged["skipped"], fresh["sequence"]) == ("Stale", 1, 7)
    assert len(fresh["data"]["bids"] + fresh["data"]["asks"]) == 7
    server.apply(status(BookStatus.RECOVERED))
    server.beat()
    assert kinds_of_deltas(slow) == [(7, 13)]


def kinds_of_deltas(subscriber: Collector) -> list[tuple[int, int]]:
    return [
        (m["prev_sequence"], m["sequence"]) for m in subscriber.take() if m["type"] == "MarketDelta"
    ]
