"""Chains that are due together: large fan-outs take several turns, and stay exact meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Unsubscribe
from market_depth.streams.cohort import FlushCount
from support.flow import cancel
from support.subscribers import BTC, ETH, INTERVAL_S, Collector, Server, order, trade

DELTA = Mode.DELTA
MANY = 1200
A_TURN = 500


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(6)], order(0, ETH))
    return server


def crowd(server: Server, count: int = MANY, **fields: Any) -> list[Collector]:
    """Return subscribers of one view."""
    return [server.subscriber("s", **{"mode": DELTA, **fields}) for _ in range(count)]


def turn(server: Server) -> FlushCount:
    """Flush once, as the caller does before it looks after others."""
    return server.manager.flush(server.now_s, server.wall_ns)


def until_due(server: Server) -> None:
    """Move on to the next beat, without flushing, but for looks at statuses."""
    server.now_s += INTERVAL_S


def links(subscriber: Collector) -> list[tuple[str, int | None, int]]:
    return [(m["type"], m.get("prev_sequence"), m["sequence"]) for m in subscriber.take()]


def finish(server: Server) -> int:
    """Flush until nothing is due; return how many turns that took."""
    turns = 0
    while (due := server.manager.next_due()) is not None and due <= server.now_s:
        turn(server)
        turns += 1
    return turns


def test_a_large_fan_out_is_spread_over_turns_and_everybody_gets_the_same(server: Server) -> None:
    subscribers = crowd(server)
    server.apply(order(10))
    until_due(server)
    counts = [turn(server) for _ in range(3)]
    assert [count.messages for count in counts] == [A_TURN, A_TURN, MANY - 2 * A_TURN]
    assert [count.encoded for count in counts] == [1, 0, 0]
    finish(server)
    assert all(len(subscriber.frames) == 1 for subscriber in subscribers)
    assert len({subscriber.frames[0] for subscriber in subscribers}) == 1
    assert links(subscribers[0]) == [("MarketDelta", 6, 7)]


def test_a_chain_makes_no_message_before_all_have_the_last_one(server: Server) -> None:
    subscribers = crowd(server)
    server.apply(order(10))
    until_due(server)
    turn(server)
    server.apply(order(11))
    finish(server)
    assert all(len(subscriber.frames) == 1 for subscriber in subscribers)
    server.beat()
    expected = [("MarketDelta", 6, 7), ("MarketDelta", 7, 8)]
    assert all(links(subscriber) == expected for subscriber in subscribers)


def test_what_takes_several_turns_does_not_shift_the_beat(server: Server) -> None:
    crowd(server)
    begin = server.manager.next_due()
    server.apply(order(10))
    until_due(server)
    turn(server)
    server.now_s += 0.01
    finish(server)
    beat = next(iter(server.manager._chains.beats))
    assert beat.due - server.now_s == pytest.approx(INTERVAL_S - 0.01)
    assert begin is not None


def test_a_beat_that_was_missed_altogether_is_made_up_for_once(server: Server) -> None:
    (subscriber,) = crowd(server, 1)
    server.apply(order(10))
    server.beat(10 * INTERVAL_S)
    assert links(subscriber) == [("MarketDelta", 6, 7)]
    beat = next(iter(server.manager._chains.beats))
    assert 0 < beat.due - server.now_s <= INTERVAL_S


def test_who_unsubscribes_midway_gets_nothing_more(server: Server) -> None:
    subscribers = crowd(server)
    server.apply(order(10))
    until_due(server)
    turn(server)
    for subscriber in subscribers[-100:]:
        assert subscriber.frames == []
        server.manager.unsubscribe(subscriber, Unsubscribe("s"))
        subscriber.frames.clear()
    finish(server)
    assert [len(subscriber.frames) for subscriber in subscribers] == [1] * (MANY - 100) + [0] * 100


def test_who_comes_back_midway_begins_anew_and_goes_on(server: Server) -> None:
    subscribers = crowd(server)
    server.apply(order(10))
    until_due(server)
    turn(server)
    last = subscribers[-1]
    server.manager.unsubscribe(last, Unsubscribe("s"))
    last.take()
    server.subscribe(last, "s", mode=DELTA)
    finish(server)
    server.apply(order(11))
    server.beat()
    del last.frames[0]
    assert links(last) == [("MarketData", None, 7), ("MarketDelta", 7, 8)]


def test_a_chain_that_loses_its_last_stream_midway_is_not_gone_through(server: Server) -> None:
    first, second = crowd(server, A_TURN, max_levels=1), crowd(server, 3, max_levels=2)
    server.apply(cancel(1))
    until_due(server)
    assert turn(server).messages == A_TURN
    for subscriber in second:
        server.manager.drop(subscriber)
    before = server.manager.counters.encoded
    finish(server)
    assert server.manager.counters.encoded == before
    assert [subscriber.frames for subscriber in second] == [[], [], []]
    assert all(len(subscriber.frames) == 1 for subscriber in first)


def test_all_streams_may_leave_midway(server: Server) -> None:
    subscribers = crowd(server)
    server.apply(order(10))
    until_due(server)
    turn(server)
    for subscriber in subscribers:
        server.manager.drop(subscriber)
        subscriber.frames.clear()
    finish(server)
    assert server.manager.next_due() is None
    again = server.subscriber("s", mode=DELTA)
    server.apply(order(11))
    server.beat()
    assert links(again) == [("MarketDelta", 7, 8)]
    assert not any(subscriber.frames for subscriber in subscribers)


def test_the_last_words_come_though_a_fan_out_is_under_way(server: Server) -> None:
    subscribers = crowd(server)
    server.apply(order(10))
    until_due(server)
    turn(server)
    server.apply(order(11))
    server.manager.flush_all(server.wall_ns)
    expected = [("MarketDelta", 6, 7), ("MarketDelta", 7, 8)]
    assert all(links(subscriber) == expected for subscriber in subscribers)


def test_many_chains_are_looked_at_in_several_turns(server: Server) -> None:
    subscribers = [server.subscriber(mode=DELTA, max_levels=levels) for levels in range(1, 100)]
    until_due(server)
    assert finish(server) > 1, "nothing has changed, but looking takes its time"
    server.apply(order(1000), order(7))
    server.apply(*[order(number) for number in range(20, 30)])
    until_due(server)
    finish(server)
    changed = [subscriber for subscriber in subscribers if subscriber.frames]
    assert all(len(subscriber.frames) == 1 for subscriber in changed)
    assert len(changed) == 96, "those of 4 levels and more"


def test_trades_of_an_interval_go_to_everybody_before_the_next_ones(server: Server) -> None:
    subscribers = crowd(server, mode=None, data_type=DataType.TRADES, interval_ms=300)
    server.apply(trade(0))
    until_due(server)
    turn(server)
    server.apply(*[trade(number) for number in range(1, 1200)])
    finish(server)
    server.beat()
    for subscriber in subscribers[:: MANY // 10]:
        numbers = [
            one["trade_number"]
            for message in subscriber.take()
            for one in message["data"]["trades"]
        ]
        assert numbers == list(range(1, 1201))


def test_streams_of_the_original_messages_have_their_turn_between(server: Server) -> None:
    crowd(server)
    plain = server.subscriber("plain")
    server.apply(order(10))
    server.beat()
    assert [message["sequence"] for message in plain.take()] == [7]


def test_one_subscribers_streams_of_several_symbols_and_views_all_come(server: Server) -> None:
    subscriber = Collector()
    for number, symbol in enumerate((BTC, ETH, BTC, ETH)):
        server.subscribe(subscriber, str(number), symbol, max_levels=1 + number, mode=DELTA)
    subscriber.take()
    server.apply(order(3, ETH), cancel(0), order(2, ETH))
    server.beat()
    assert {message["stream_id"] for message in subscriber.take()} == {"0", "1", "2", "3"}
