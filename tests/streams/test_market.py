"""The books of all symbols, and what is known of their feeds."""

from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.instruments import Instrument
from market_depth.streams.market import FeedStatus, Market, SymbolBook
from support.errors import one_line_error
from support.flow import BID, add, batch, cancel, of
from support.sources import instrument


@pytest.fixture
def market() -> Market:
    return Market([instrument(7, "ESH4"), instrument(3, "NQH4")])


def book_of(market: Market, symbol: str) -> SymbolBook:
    found = market.get(symbol)
    assert found is not None
    return found


def test_symbols_are_in_the_feeds_order(market: Market) -> None:
    assert market.symbols() == ["ESH4", "NQH4"]
    assert [found.instrument.symbol for found in market] == ["ESH4", "NQH4"]
    assert len(market) == 2
    assert market.get("CLH4") is None


@pytest.mark.parametrize("other", [instrument(7, "CLH4"), instrument(9, "ESH4")])
def test_two_instruments_must_differ_in_id_and_symbol(other: Instrument) -> None:
    with one_line_error(FeedError, "two instruments"):
        Market([instrument(7, "ESH4"), other])


def test_events_go_to_the_book_of_their_instrument_in_order(market: Market) -> None:
    market.apply(
        batch(
            of(7, add(1, BID, 100, 5)),
            of(3, add(1, BID, 200, 6)),
            of(7, cancel(1, 2)),
            of(3, cancel(1)),
        )
    )
    es, nq = book_of(market, "ESH4"), book_of(market, "NQH4")
    assert es.book.mbp(1, 0).bids["size"].tolist() == [3]
    assert nq.book.order_count == 0
    assert (es.book.sequence, nq.book.sequence) == (2, 2)
    assert market.events_applied == 4


def test_events_of_an_unknown_instrument_are_refused(market: Market) -> None:
    with one_line_error(FeedError, "99"):
        market.apply(batch(of(99, add(1, BID, 100, 5))))


def test_a_book_is_live_once_events_have_come(market: Market) -> None:
    market.apply(batch(of(7, add(1, BID, 100, 5))))
    assert book_of(market, "ESH4").status is FeedStatus.LIVE
    assert book_of(market, "NQH4").status is FeedStatus.WAITING


def test_a_failed_feed_makes_every_book_stale(market: Market) -> None:
    market.apply(batch(of(7, add(1, BID, 100, 5))))
    market.mark_stale()
    assert {found.status for found in market} == {FeedStatus.STALE}


def test_an_empty_batch_is_nothing(market: Market) -> None:
    market.apply(batch())
    assert market.events_applied == 0
