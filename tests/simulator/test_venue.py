"""What a simulated venue tells of itself: its first book and the flow after it."""

from __future__ import annotations

import numpy as np
import pytest

from market_depth.book import BookAnomalies, OrderBook
from market_depth.book.check import check_state
from market_depth.book.look import orders_of
from market_depth.book.state import ASKS, BIDS
from market_depth.events import Action, Flag, Side
from market_depth.simulator import SimulatedVenue, load_profiles
from market_depth.simulator.flow import WINDOW_NS
from support.venue import BEGIN_NS, SYMBOLS, change_ends, first_actions, flow_of, take, venue_of

EVENTS = 30_000


def test_the_same_seed_gives_the_same_events() -> None:
    once = take(venue_of(seed=7).chunks(), EVENTS)
    again = take(venue_of(seed=7).chunks(), EVENTS)
    assert np.array_equal(once, again)


def test_a_venue_can_be_played_again_from_its_beginning() -> None:
    venue = venue_of()
    once = take(venue.chunks(), EVENTS)
    again = take(venue.chunks(), EVENTS)
    assert np.array_equal(once, again)


def test_venues_played_side_by_side_do_not_disturb_each_other() -> None:
    btc, eth = venue_of("BTCUSD").chunks(), venue_of("ETHUSD").chunks()
    together = [(next(btc), next(eth)) for _ in range(4)]
    alone = venue_of("ETHUSD").chunks()
    assert all(np.array_equal(next(alone), chunk) for _, chunk in together)


@pytest.mark.parametrize("field", ["size", "side", "action"])
def test_another_seed_and_another_symbol_give_other_events(field: str) -> None:
    flows = [
        flow_of("BTCUSD", seed=1)[field][:EVENTS],
        flow_of("BTCUSD", seed=2)[field][:EVENTS],
        flow_of("ETHUSD", seed=1)[field][:EVENTS],
    ]
    for one, other in ((0, 1), (0, 2)):
        assert (flows[one] == flows[other]).mean() < 0.9


def test_symbols_do_not_move_together() -> None:
    updates = [first_actions(flow_of(symbol))[:9000] == Action.MODIFY for symbol in SYMBOLS]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        # Independent draws of 30 % agree in 58 % of all cases.
        assert 0.56 < (updates[one] == updates[other]).mean() < 0.60


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_first_chunk_is_a_snapshot_as_one_change(symbol: str) -> None:
    profile = load_profiles()[symbol]
    first = next(venue_of(symbol).chunks())
    assert first["action"].tolist() == [Action.CLEAR, *[Action.ADD] * (len(first) - 1)]
    assert (first["flags"] & np.uint8(Flag.SNAPSHOT)).all()
    assert change_ends(first).tolist() == [len(first)]
    assert (first["ts_recv"] == BEGIN_NS).all()
    assert (first["ts_event"] <= BEGIN_NS).all()
    assert (first["instrument_id"] == profile.instrument.instrument_id).all()
    assert 0.8 * profile.orders < len(first) < 1.25 * profile.orders


def test_the_first_books_orders_have_ages() -> None:
    first = next(venue_of().chunks())[1:]
    ages_s = (BEGIN_NS - first["ts_event"]) / 1e9
    assert 20 < np.median(ages_s) < 3600


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_change_ends_with_last_and_has_one_time(symbol: str) -> None:
    chunks = venue_of(symbol).chunks()
    next(chunks)
    for _ in range(8):
        events = next(chunks)
        ends = change_ends(events)
        assert ends[-1] == len(events)
        starts = np.concatenate([[0], ends[:-1]])
        lengths = ends - starts
        assert (events["ts_event"] == np.repeat(events["ts_event"][starts], lengths)).all()
        single = lengths == 1
        assert set(events["action"][starts[~single]].tolist()) == {Action.TRADE}
        assert set(events["action"][starts[single]].tolist()) <= {
            Action.ADD,
            Action.MODIFY,
            Action.CANCEL,
        }


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_times_never_go_back_and_sequences_have_no_gaps(symbol: str) -> None:
    events = flow_of(symbol)
    assert events["ts_event"][0] >= BEGIN_NS
    assert (np.diff(events["ts_event"]) >= 0).all()
    assert (events["ts_recv"] == events["ts_event"]).all()
    assert (np.diff(events["sequence"]) == 1).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_activities_keep_their_shares_in_every_ten_thousand(symbol: str) -> None:
    actions = first_actions(flow_of(symbol, 100_000))
    window = 10_000
    assert len(actions) > 5 * window
    shares = {
        (Action.ADD, Action.TRADE): 0.40,
        (Action.MODIFY,): 0.30,
        (Action.CANCEL,): 0.30,
    }
    for kinds, share in shares.items():
        seen = np.concatenate([[0], np.cumsum(np.isin(actions, kinds))])
        in_window = seen[window:] - seen[:-window]
        assert (np.abs(in_window / window - share) < 0.01).all()


def test_the_counters_agree_with_the_events() -> None:
    venue = venue_of()
    chunks = venue.chunks()
    next(chunks)
    assert set(venue.activities.values()) == {0}
    actions = first_actions(take(chunks, EVENTS))
    counted = venue.activities
    assert counted["new_orders"] == np.isin(actions, (Action.ADD, Action.TRADE)).sum()
    assert counted["updates"] == (actions == Action.MODIFY).sum()
    assert counted["cancels"] == (actions == Action.CANCEL).sum()
    trading = int((actions == Action.TRADE).sum())
    assert trading <= counted["marketable"] < 0.3 * counted["new_orders"]


@pytest.mark.parametrize(("rate_hz", "within"), [(0.5, 0.02), (15.0, 0.02), (200.0, 0.07)])
def test_activities_come_at_the_rate_that_is_asked_for(rate_hz: float, within: float) -> None:
    venue = venue_of(rate_hz=rate_hz)
    chunks = venue.chunks()
    next(chunks)
    events = take(chunks, 60_000)
    elapsed_s = (int(events["ts_event"][-1]) - BEGIN_NS) / 1e9
    assert len(change_ends(events)) / elapsed_s == pytest.approx(rate_hz, rel=within)


def test_every_window_has_one_to_eight_activities_at_the_default_rate() -> None:
    venue = venue_of(rate_hz=15.0)
    chunks = venue.chunks()
    next(chunks)
    first_end_ns = int(venue._flow.venue["window_end_ns"][0])
    events = take(chunks, EVENTS)
    times = events["ts_event"][change_ends(events) - 1]
    in_window = np.bincount((times[times >= first_end_ns] - first_end_ns) // WINDOW_NS)[:-1]
    assert set(in_window.tolist()) == set(range(1, 9))


def test_activities_are_spread_evenly_over_their_window() -> None:
    venue = venue_of(rate_hz=15.0)
    chunks = venue.chunks()
    next(chunks)
    first_end_ns = int(venue._flow.venue["window_end_ns"][0])
    events = take(chunks, EVENTS)
    times = events["ts_event"][change_ends(events) - 1]
    tenths = np.bincount((times - first_end_ns) % WINDOW_NS * 10 // WINDOW_NS)
    assert (np.abs(tenths / len(times) - 0.1) < 0.01).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_sizes_and_prices_are_on_the_instruments_grid(symbol: str) -> None:
    profile = load_profiles()[symbol]
    events = flow_of(symbol)
    assert (events["size"] > 0).all()
    assert (events["size"] % profile.lot_size == 0).all()
    assert (events["price"] > 0).all()
    assert (events["price"] % profile.instrument.tick_size == 0).all()
    assert set(events["side"].tolist()) == {Side.BID, Side.ASK}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_order_sizes_have_the_profiles_median_and_a_heavy_tail(symbol: str) -> None:
    median = load_profiles()[symbol].median_size
    events = flow_of(symbol, 60_000)
    sizes = events["size"][events["action"] == Action.ADD]
    assert np.median(sizes) == pytest.approx(median, rel=0.08)
    assert 0.01 < (sizes >= 10 * median).mean() < 0.04
    assert 0.01 < (sizes <= median / 10).mean() < 0.04
    assert sizes.max() > 20 * median


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_book_fed_by_the_events_is_the_venues_own(symbol: str) -> None:
    venue = venue_of(symbol)
    chunks = venue.chunks()
    book = OrderBook()
    for _ in range(30):
        book.apply(next(chunks))
    own = venue._flow.book
    check_state(own)
    book.check()
    view = book.mbo(1_000_000, 0)
    for rows, side in ((view.bids, BIDS), (view.asks, ASKS)):
        assert np.array_equal(rows, orders_of(own, side))
    assert book.anomalies == BookAnomalies(0, 0, 0, 0, 0, 0)


def test_chunk_length_is_about_what_is_asked_for() -> None:
    profile = load_profiles()["ETHUSD"]
    venue = SimulatedVenue(profile, rate_hz=15.0, seed=1, begin_ns=0, chunk_events=1000)
    chunks = venue.chunks()
    next(chunks)
    assert all(700 < len(next(chunks)) <= 1000 for _ in range(5))
