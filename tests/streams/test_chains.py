"""Which chains go on at which changes, and which are there at all."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.events import Events
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Unsubscribe
from market_depth.streams.chains import changes_of
from support.flow import ASK, BID, Event, add, batch, batch_of, cancel, of, unfinished
from support.hypothesis_settings import relaxed
from support.subscribers import BTC, BY_PRICE, ETH, INSTRUMENTS, Collector, Server, order, trade

DELTA = Mode.DELTA
NUMBERS = {symbol: one.instrument_id for symbol, one in INSTRUMENTS.items()}

EVENTS = st.lists(
    st.builds(
        lambda number, is_last: of(number, Event() if is_last else unfinished(Event())),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=30,
)
WANTED = st.sets(st.integers(1, 4))


def whole_changes(events: Events, wanted: set[int]) -> list[int]:
    """Return where changes of the instruments end."""
    return [
        place
        for place, event in enumerate(events.tolist(), start=1)
        if event[6] in wanted and event[9]
    ]


@relaxed
@given(events=EVENTS.map(batch_of), wanted=WANTED, most=st.one_of(st.none(), st.integers(1, 8)))
def test_parts_end_with_changes_and_none_is_left_out(
    events: Events, wanted: set[int], most: int | None
) -> None:
    parts = list(changes_of(events, wanted, most))
    if parts:
        assert np.array_equal(np.concatenate(parts), events)
    assert sum(map(len, parts)) == len(events)
    assert all(len(part) for part in parts)
    ends = np.cumsum([len(part) for part in parts]).tolist()
    changes = whole_changes(events, wanted)
    assert set(ends[:-1]) <= set(changes)
    if most is None:
        assert set(changes) <= set(ends)
    else:
        assert len(set(ends) & set(changes)) <= most
        assert not changes or changes[-1] in ends, "the last change is told"


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(6)], order(0, ETH))
    return server


def sequences(subscriber: Collector) -> list[int]:
    return [message["sequence"] for message in subscriber.take()]


def test_only_the_symbols_that_change_go_on(server: Server) -> None:
    bitcoin = server.subscriber(mode=DELTA, interval_ms=0)
    ether = server.subscriber(symbol=ETH, mode=DELTA, interval_ms=0)
    server.apply(order(10), order(11), order(1, ETH), order(12))
    assert (sequences(bitcoin), sequences(ether)) == ([7, 8, 9], [2])
    server.apply(order(2, ETH))
    assert (sequences(bitcoin), sequences(ether)) == ([], [3])


def interleaved() -> list[Event]:
    """Return changes of two symbols that begin before the other has ended; half of the one would
    cross its book."""
    return [
        unfinished(add(50, BID, 10_000, 5)),
        of(NUMBERS[ETH], unfinished(add(51, BID, 9000, 1))),
        cancel(0),
        of(NUMBERS[ETH], add(52, ASK, 11_000, 1)),
    ]


@pytest.mark.parametrize("is_late", [False, True])
def test_half_a_change_is_never_told(server: Server, is_late: bool) -> None:
    bitcoin = server.subscriber(mode=DELTA, interval_ms=0)
    ether = server.subscriber(symbol=ETH, mode=DELTA, interval_ms=0)
    server.subscriber("looks at books")
    if is_late:
        server.feed.due = [batch(*interleaved())]
        server.beat()
    else:
        server.apply(*interleaved())
    assert [(m["type"], m["sequence"]) for m in bitcoin.take()] == [("MarketDelta", 8)]
    assert [(m["type"], m["sequence"]) for m in ether.take()] == [("MarketDelta", 3)]


def test_many_late_changes_of_several_symbols_come_to_the_newest_state(server: Server) -> None:
    views: list[tuple[str, dict[str, Any]]] = [
        (symbol, {"mode": DELTA, "interval_ms": 0, "max_levels": levels})
        for symbol in (BTC, ETH)
        for levels in range(10, 60)
    ]
    subscribers = [server.subscriber(symbol=symbol, **fields) for symbol, fields in views]
    server.subscriber("looks at books")
    events = [
        of(number, add(1000 + place, BID, 5000 + place, 1))
        for place in range(2000)
        for number in (NUMBERS[BTC], NUMBERS[ETH])
    ]
    server.feed.due = [batch_of(events)]
    server.beat()
    for subscriber, (symbol, fields) in zip(subscribers, views, strict=True):
        messages = subscriber.take()
        assert len(messages) <= 5, "a hundred streams can't be told of 4,000 changes one by one"
        links = [(message["prev_sequence"], message["sequence"]) for message in messages]
        assert all(after == before for (_, after), (before, _) in pairwise(links))
        newest = Collector()
        server.subscribe(newest, "new", symbol, **fields)
        assert newest.take()[1]["sequence"] == links[-1][1]


def test_the_feed_is_to_be_prompt_while_somebody_wants_every_change(server: Server) -> None:
    def is_prompt() -> bool:
        return server.feed.is_prompt

    subscriber = server.subscriber("plain")
    server.subscribe(subscriber, "beat", mode=DELTA, interval_ms=1)
    server.subscribe(subscriber, "trades", data_type=DataType.TRADES, interval_ms=50)
    assert not is_prompt()
    for fields in ({"mode": DELTA, "interval_ms": 0}, {"data_type": DataType.TRADES}):
        server.subscribe(subscriber, "a", **fields)
        other = server.subscriber("b", **fields)
        assert is_prompt()
        server.manager.unsubscribe(subscriber, Unsubscribe("a"))
        assert is_prompt()
        server.manager.drop(other)
        assert not is_prompt()


def test_a_beat_is_there_while_a_chain_wants_it(server: Server) -> None:
    subscriber = Collector()
    chains = server.manager._chains
    for interval_ms in range(1, 200):
        server.subscribe(subscriber, "s", mode=DELTA, interval_ms=interval_ms)
        assert [beat.interval for beat in chains.beats] == [interval_ms / 1000]
        server.manager.unsubscribe(subscriber, Unsubscribe("s"))
    assert list(chains.beats) == []
    assert server.manager.next_due() is None


def test_every_interval_has_its_own_moments(server: Server) -> None:
    begin = server.now_s
    subscriber = server.subscriber("slow", mode=DELTA, interval_ms=250)
    server.subscribe(subscriber, "fast", mode=DELTA, interval_ms=125)
    subscriber.take()
    seen: list[tuple[str, float]] = []
    for step in range(32):
        server.apply(order(100 + step))
        server.beat(1 / 64)
        seen += [(message["stream_id"], server.now_s - begin) for message in subscriber.take()]
    assert [at_s for name, at_s in seen if name == "fast"] == [0.125, 0.25, 0.375, 0.5]
    assert [at_s for name, at_s in seen if name == "slow"] == [0.25, 0.5]


def test_ended_streams_leave_nothing_behind(server: Server) -> None:
    fields: list[dict[str, Any]] = [
        {"mode": DELTA, "interval_ms": 0},
        {"mode": DELTA},
        {"interval_ms": 100},
        {"data_type": DataType.TRADES},
        {"data_type": DataType.TRADES, "interval_ms": 100},
        {"data_type": DataType.BBO, "symbol": BY_PRICE},
    ]
    subscribers = []
    for number, wanted in enumerate(fields * 2):
        subscribers.append(server.subscriber(str(number), **wanted))
    assert server.manager.counters.subscriptions == 12
    for subscriber in subscribers:
        server.manager.drop(subscriber)
    server.apply(order(10), trade(0))
    server.beat()
    assert list(chain.from_iterable(one.frames for one in subscribers)) == []
    assert server.manager.counters.subscriptions == 0
    assert server.manager.next_due() is None
    assert server.manager._chains.has_listeners is False
    assert server.feed.asked_for[-1] == [NUMBERS[BY_PRICE]], "nobody looks at books any more"


def test_an_ended_stream_is_confirmed_and_gets_nothing_more(server: Server) -> None:
    subscriber = server.subscriber("one", mode=DELTA, interval_ms=0)
    server.subscribe(subscriber, "two", mode=DELTA, interval_ms=0)
    subscriber.take()
    server.manager.unsubscribe(subscriber, Unsubscribe("one", id="x"))
    assert subscriber.take() == [{"type": "Unsubscribed", "stream_id": "one", "id": "x"}]
    server.apply(order(10))
    assert [message["stream_id"] for message in subscriber.take()] == ["two"]
    server.subscribe(subscriber, "one", ETH, mode=DELTA, interval_ms=0)
    server.apply(order(9, ETH))
    assert [m["type"] for m in subscriber.take()] == ["Subscribed", "MarketData", "MarketDelta"]


class Gone(Collector):
    """Can take nothing any more, as a socket that is closing."""

    def write(self, frame: bytes) -> None:
        raise RuntimeError("closed")


@pytest.mark.parametrize("interval_ms", [0, 300])
def test_a_subscriber_that_can_take_nothing_does_not_harm_the_others(
    server: Server, interval_ms: int
) -> None:
    first, gone, last = Collector(), Gone(), Collector()
    for subscriber in (first, gone, last):
        server.subscribe(subscriber, "d", mode=DELTA, interval_ms=interval_ms)
        server.subscribe(subscriber, "t", data_type=DataType.TRADES, interval_ms=interval_ms)
    first.take(), last.take()
    server.apply(order(10), trade(1))
    server.beat()
    assert len(first.take()) == len(last.take()) == 2
    server.manager.drop(gone)
    assert server.manager.counters.subscriptions == 4


def test_what_is_sent_is_counted(server: Server) -> None:
    subscribers = [server.subscriber(mode=DELTA, interval_ms=ms) for ms in (0, 300, 300)]
    counters = server.manager.counters
    messages, size_bytes = counters.messages, counters.size_bytes
    assert messages == 3
    server.apply(order(10))
    server.beat()
    assert counters.messages == messages + 3
    frames = chain.from_iterable(subscriber.frames for subscriber in subscribers)
    assert counters.size_bytes - size_bytes == sum(map(len, frames))
