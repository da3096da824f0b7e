"""A whole simulated day: the book stays a market's book."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from market_depth.book import OrderBook
from market_depth.events import Events
from market_depth.simulator import Profile, load_profiles
from market_depth.views import Rows
from support.venue import BEGIN_NS, SYMBOLS, change_ends, venue_of

DAY_NS = 86_400_000_000_000
EVENTS_A_SAMPLE = 500
SHAPE_TICKS = 80


class Day(NamedTuple):
    """What was seen every few hundred events, from the begin of a day to its end."""

    profile: Profile
    changes: int
    orders: NDArray[np.int64]
    levels: NDArray[np.int64]  # (samples, 2)
    spreads: NDArray[np.int64]  # ticks
    prices: NDArray[np.int64]  # best bids, ticks
    shape: NDArray[np.float64]  # mean size by ticks from the best price, median orders


def shape_of(rows: Rows, tick: int) -> NDArray[np.float64]:
    """Return the size at each tick from the best price."""
    ticks = np.abs(rows["price"] - rows["price"][0]) // tick
    near = ticks < SHAPE_TICKS
    shape = np.bincount(ticks[near], rows["size"][near], SHAPE_TICKS)
    return shape.astype(np.float64)


def live_through(symbol: str) -> Day:
    profile = load_profiles()[symbol]
    tick = profile.instrument.tick_size
    chunks = venue_of(symbol).chunks()
    book = OrderBook()
    book.apply(next(chunks))
    samples: list[tuple[int, int, int, int, int]] = []
    shape = np.zeros(SHAPE_TICKS)
    chunk_count = changes = 0
    events: Events
    for events in chunks:
        for part in np.split(events, range(EVENTS_A_SAMPLE, len(events), EVENTS_A_SAMPLE)):
            book.apply(part)
            bids, asks = book.bbo(0)
            bid, ask = int(bids["price"][0]), int(asks["price"][0])
            depths = (book.bid_depth, book.ask_depth)
            samples.append((book.order_count, *depths, (ask - bid) // tick, bid // tick))
        mbp = book.mbp(1_000_000, 0)
        shape += shape_of(mbp.bids, tick) + shape_of(mbp.asks, tick)
        chunk_count += 1
        changes += len(change_ends(events))
        if events["ts_event"][-1] > BEGIN_NS + DAY_NS:
            break
    seen = np.array(samples)
    return Day(
        profile=profile,
        changes=changes,
        orders=seen[:, 0],
        levels=seen[:, 1:3],
        spreads=seen[:, 3],
        prices=seen[:, 4],
        shape=shape / (2 * chunk_count * profile.median_size),
    )


@pytest.fixture(scope="module", params=SYMBOLS)
def day(request: pytest.FixtureRequest) -> Day:
    return live_through(request.param)


def test_a_day_has_its_activities(day: Day) -> None:
    assert day.changes == pytest.approx(15 * 86_400, rel=0.01)


def test_the_number_of_orders_stays_near_the_profiles(day: Day) -> None:
    wanted = day.profile.orders
    assert day.orders.min() > 0.85 * wanted
    assert day.orders.max() < 1.2 * wanted
    hours = np.array_split(day.orders, 24)
    assert all(0.95 * wanted < hour.mean() < 1.1 * wanted for hour in hours)


def test_the_number_of_levels_stays_in_a_band(day: Day) -> None:
    depth = day.profile.depth_ticks
    assert day.levels.min() > 1.5 * depth
    assert day.levels.max() < 15 * depth
    assert (3 * depth < day.levels.mean(axis=0)).all()
    assert (day.levels.mean(axis=0) < 9 * depth).all()


def test_the_spread_is_a_few_ticks(day: Day) -> None:
    assert 1 <= np.median(day.spreads) <= 3
    assert 1.1 < day.spreads.mean() < 3
    assert day.spreads.min() == 1
    assert day.spreads.max() < 30


def test_the_price_wanders_and_comes_back(day: Day) -> None:
    base = day.profile.price // day.profile.instrument.tick_size
    assert np.ptp(day.prices) > 20
    assert abs(day.prices - base).max() < 0.1 * base


def test_depth_rises_then_falls_from_the_touch(day: Day) -> None:
    deepest = int(day.shape.argmax())
    depth = day.profile.depth_ticks
    assert 0.5 * depth < deepest < 2.5 * depth
    assert 1 < day.shape[0] < 0.6 * day.shape[deepest]
    thirds = [part.mean() for part in np.array_split(day.shape[:deepest], 3)]
    assert thirds[0] < thirds[1] < thirds[2]
    tail = [part.mean() for part in np.array_split(day.shape[deepest:], 4)]
    assert tail[0] > tail[1] > tail[2] > tail[3]
    assert day.shape[-10:].mean() < 0.2 * day.shape[deepest]


def test_no_change_of_a_whole_day_crosses_or_locks_the_book() -> None:
    """Looked at after every change; after every single event for a while in `test_flow`."""
    book = OrderBook()
    for events in venue_of("ADAUSD", seed=2).chunks():
        start = 0
        for end in change_ends(events).tolist():
            book.apply(events[start:end])
            assert not book.is_crossed_or_locked
            start = end
        if events["ts_event"][-1] > BEGIN_NS + DAY_NS:
            break
    assert not any(book.anomalies)
    book.check()
