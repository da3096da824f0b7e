"""Large batches are applied turn by turn, and nothing that comes between gets before their rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from market_depth.events import Events
from market_depth.feeds import AtEnd, PacedFeed
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.streams import StreamManager, StreamOptions
from market_depth.streams.market import Market
from support.flow import ASK, BID, add, at, batch, cancel, events_of, of, unfinished
from support.follower import Follower
from support.sources import ListSource
from support.subscribers import BTC, ETH, INSTRUMENTS, Collector, Server, order
from support.virtual_time import loop_now, run_virtually

DELTA = Mode.DELTA
MANY = 1200
ADDS = [add(100 + number, BID, 9000, 1 + number) for number in range(MANY)]
CANCELS = [cancel(100 + number) for number in range(MANY)]
ETH_ID = INSTRUMENTS[ETH].instrument_id


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(6)], order(0, ETH))
    return server


def in_turns(server: Server, events: Events) -> Iterator[int]:
    """Apply events turn by turn, as they are when a feed hands them over; yield each's length."""
    for part in server.manager.turns(events):
        server.manager.apply(part, server.wall_ns)
        yield len(part)


def test_a_batch_is_applied_at_once_while_nobody_wants_every_change(server: Server) -> None:
    server.subscriber(mode=DELTA)
    server.subscriber(data_type=DataType.TRADES, interval_ms=50)
    assert list(in_turns(server, batch(*ADDS))) == [MANY]


@pytest.mark.parametrize(("views", "a_turn"), [(1, 500), (10, 50), (200, 2)])
def test_a_turn_is_as_long_as_its_messages_take(views: int, a_turn: int) -> None:
    subscriber = Collector()
    server = Server(max_levels=1000, max_streams=1000)
    for number in range(views):
        server.subscribe(subscriber, str(number), max_levels=1 + number, mode=DELTA, interval_ms=0)
    turns = list(in_turns(server, batch(*ADDS[: a_turn + 5])))
    assert turns[0] == max(turns) == a_turn
    assert sum(turns) == a_turn + 5


def test_turns_give_every_event_once_and_in_its_order(server: Server) -> None:
    server.subscriber(mode=DELTA, interval_ms=0)
    events = batch(*ADDS, *[of(ETH_ID, event) for event in ADDS], *CANCELS)
    parts = [events_of(part) for part in server.manager.turns(events)]
    assert [event for part in parts for event in part] == events_of(events)
    assert len(parts) > 3


def test_who_looks_between_two_turns_sees_the_whole_batch(server: Server) -> None:
    live = server.subscriber(mode=DELTA, interval_ms=0)
    late = Collector()
    for number, _ in enumerate(in_turns(server, batch(*ADDS))):
        if number == 0:
            server.subscribe(late, mode=DELTA, max_levels=100)
    assert late.take()[1]["sequence"] == 6 + MANY
    assert number == 0, "nothing is left for another turn"
    messages = live.take()
    assert messages[-1]["sequence"] == 6 + MANY


def test_what_the_feed_has_next_stays_behind_the_rest(server: Server) -> None:
    subscriber = Collector()
    server.subscribe(subscriber, mode=DELTA, interval_ms=0, checksum=True)
    for number, _ in enumerate(in_turns(server, batch(*ADDS))):
        if number == 0:
            server.feed.due = [batch(*CANCELS)]
            server.manager.snapshot(BTC, DataType.MBP, 5, server.wall_ns)
    book = server.book()
    assert (book.order_count, book.sequence) == (6, 6 + 2 * MANY)
    assert not any(book.anomalies)
    follower = Follower(2, 0, "MBP")
    for message in subscriber.take()[1:]:
        follower.take(message)
    assert follower.sequence == 6 + 2 * MANY
    assert follower.bids[-1][0] == 9997


def test_a_beat_between_two_turns_keeps_the_order_as_well(server: Server) -> None:
    subscriber = server.subscriber("live", mode=DELTA, interval_ms=0)
    server.subscribe(subscriber, "beat", mode=DELTA)
    server.subscribe(subscriber, "plain")
    for number, _ in enumerate(in_turns(server, batch(*ADDS))):
        if number == 0:
            server.feed.due = [batch(*CANCELS)]
            server.beat()
    assert server.book().order_count == 6


def test_half_a_change_between_two_turns_is_no_status(server: Server) -> None:
    """A turn may end in the midst of another symbol's change."""
    bitcoin, ether = server.subscriber(mode=DELTA, interval_ms=0), Collector()
    server.subscribe(ether, symbol=ETH, mode=DELTA)
    ether.take()
    events = [
        *ADDS[:499],
        of(ETH_ID, unfinished(add(50, BID, 10_000, 5))),
        ADDS[499],
        of(ETH_ID, add(51, ASK, 10_000, 5)),
        of(ETH_ID, cancel(0)),
        of(ETH_ID, cancel(51)),
        *ADDS[500:600],
    ]
    for _ in in_turns(server, batch(*events)):
        server.beat(0.1)
    server.beat()
    assert {message["type"] for message in ether.take()} == {"MarketDelta"}
    assert len(bitcoin.take()) > 500


def test_a_feed_that_is_played_is_applied_in_its_order_whoever_looks() -> None:
    """The events of an instant are many turns, and the next ones are due before they are over."""
    begin_ns = 1_700_000_000_000_000_000
    rounds = 8
    chunks = [
        [at(begin_ns + 1000 * round_ + 500 * half, event) for event in events]
        for round_ in range(rounds)
        for half, events in enumerate((ADDS, CANCELS))
    ]
    feed = PacedFeed(
        [ListSource(*chunks)],
        at_end=AtEnd.EXIT,
        clock_ns=lambda: begin_ns + round(loop_now().time() * 1e9),
    )
    market = Market(feed.instruments)
    manager = StreamManager(market, StreamOptions(), feed=feed)
    live, server = Collector(), Server()
    server.market, server.manager = market, manager
    symbol = market.symbols()[0]

    async def play() -> int:
        looks = 0
        server.subscribe(live, symbol=symbol, mode=DELTA, interval_ms=0, checksum=True)
        async for events in feed.batches():
            for part in manager.turns(events):
                manager.apply(part, begin_ns)
                loop_now().advance(1e-6)
                manager.snapshot(symbol, DataType.MBP, 1, begin_ns + round(loop_now().time() * 1e9))
                looks += 1
                await asyncio.sleep(0)
        return looks

    assert run_virtually(play()) > rounds
    book = server.book(symbol)
    assert not any(book.anomalies)
    assert (book.order_count, book.sequence) == (0, 2 * rounds * MANY)
    follower = Follower(2, 0, "MBP")
    for message in live.take()[1:]:
        if message["type"] != "Status":
            follower.take(message)
    assert (follower.sequence, follower.bids) == (2 * rounds * MANY, [])
