"""The matching of the simulated venue, event by event beside the naive book."""

from __future__ import annotations

import numpy as np
import pytest

from market_depth.events import Action, Side
from market_depth.simulator import load_profiles
from support.flow import Event, events_of
from support.naive_book import NaiveBook
from support.venue import SYMBOLS, take, venue_of

OTHER = {Side.BID: Side.ASK, Side.ASK: Side.BID}


def replayed(symbol: str) -> tuple[NaiveBook, list[Event]]:
    """Return a naive book with the venue's first book in it, and the events to come."""
    chunks = venue_of(symbol).chunks()
    oracle = NaiveBook()
    oracle.apply(events_of(next(chunks)))
    return oracle, events_of(take(chunks, 30_000))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_book_is_never_crossed_or_locked_at_any_event(symbol: str) -> None:
    oracle, events = replayed(symbol)
    for event in events:
        oracle.apply([event])
        assert not oracle.is_crossed_or_locked, event
        assert oracle.depth(Side.BID)
        assert oracle.depth(Side.ASK)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_fill_takes_the_first_order_at_the_best_price(symbol: str) -> None:
    oracle, events = replayed(symbol)
    fills = 0
    for place, event in enumerate(events):
        if event.action == Action.FILL:
            best = oracle.prices(event.side)[0]
            first = oracle.queue(event.side, best)[0]
            assert (event.price, event.order_id) == (best, first.order_id)
            assert 0 < event.size <= first.size
            trade, taken = events[place - 1], events[place + 1]
            assert (trade.action, taken.action) == (Action.TRADE, Action.CANCEL)
            assert trade.side == OTHER[Side(event.side)]
            assert trade[3:5] == event[3:5] == taken[3:5]
            assert taken.order_id == event.order_id
            assert trade.order_id not in oracle.orders
            fills += 1
        oracle.apply([event])
    assert fills > 500
    assert oracle.trade_count == fills
    assert not any(oracle.anomalies)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_an_aggressor_rests_only_when_nothing_is_left_within_its_limit(symbol: str) -> None:
    oracle, events = replayed(symbol)
    rested = 0
    for place, event in enumerate(events):
        if event.action == Action.ADD and events[place - 1].flags == 0:
            trade = events[place - 3]
            assert trade.action == Action.TRADE
            assert trade.side == event.side
            best = oracle.prices(OTHER[Side(event.side)])[0]
            assert event.price < best if event.side == Side.BID else event.price > best
            rested += 1
        oracle.apply([event])
    assert rested > 20


def test_updates_are_of_every_kind() -> None:
    oracle, events = replayed("BTCUSD")
    moved = grown = reduced = 0
    for event in events:
        if event.action == Action.MODIFY:
            order = oracle.orders[event.order_id]
            assert event.side == order.side
            moved += event.price != order.price
            grown += event.price == order.price and event.size > order.size
            reduced += event.price == order.price and event.size < order.size
        oracle.apply([event])
    updates = moved + grown + reduced
    for share in (moved / updates, grown / updates, reduced / updates):
        assert 0.15 < share < 0.65


def test_most_new_orders_come_near_the_touch_and_some_far_away() -> None:
    oracle, events = replayed("BTCUSD")
    tick = load_profiles()["BTCUSD"].instrument.tick_size
    distances = []
    for event in events:
        if event.action == Action.ADD:
            best = oracle.prices(event.side)[0]
            distances.append(abs(event.price - best) // tick)
        oracle.apply([event])
    assert 5 < np.median(distances) < 30
    assert 0.01 < (np.array(distances) > 70).mean() < 0.15
