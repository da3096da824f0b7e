"""The books of all symbols, and what is known of their feeds."""

from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.events import BookStatus, StatusReason
from market_depth.instruments import Instrument
from market_depth.streams.market import Market, Status, SymbolBook
from support.errors import one_line_error
from support.flow import ASK, BID, add, batch, cancel, of, status
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
    assert book_of(market, "ESH4").status == Status(BookStatus.LIVE)
    assert book_of(market, "NQH4").status == Status(BookStatus.WAITING)


def test_a_failed_feed_makes_every_book_stale(market: Market) -> None:
    market.apply(batch(of(7, add(1, BID, 100, 5))))
    market.mark_stale()
    assert {found.status for found in market} == {Status(BookStatus.STALE, StatusReason.FEED)}
    assert not book_of(market, "ESH4").status.is_good


def test_a_book_has_the_status_that_its_feed_tells(market: Market) -> None:
    es = book_of(market, "ESH4")
    gap = status(BookStatus.STALE, StatusReason.GAP)
    market.apply(batch(of(7, add(1, BID, 100, 5)), of(7, gap)))
    assert not es.status.is_good
    assert str(es.status) == "Stale: messages of the venue are missing"
    market.apply(batch(of(7, status(BookStatus.RECOVERED)), of(7, add(2, BID, 99, 5))))
    assert (es.status.is_good, str(es.status)) == (True, "Recovered")
    market.apply(batch(of(7, status(BookStatus.HALTED, StatusReason.VENUE))))
    assert (es.status.is_good, str(es.status)) == (True, "Halted: the venue says so")
    assert es.book.sequence == 2, "a status is no change of the book"
    assert book_of(market, "NQH4").status == Status(BookStatus.WAITING)


def test_a_status_that_there_is_not_is_counted_and_changes_nothing(market: Market) -> None:
    es = book_of(market, "ESH4")
    for size, price in ((5, 0), (-1, 0), (1, 99), (1, -1)):
        market.apply(batch(of(7, status(BookStatus.LIVE)._replace(size=size, price=price))))
    assert es.status == Status(BookStatus.WAITING)
    assert es.book.anomalies.invalid_events == 4


def crossed(may_cross: bool, *, trusts_partial: bool = False) -> tuple[Market, SymbolBook]:
    """Return a market whose one book has its bid above its ask."""
    market = Market([instrument(7, "ESH4", may_cross=may_cross)], trusts_partial=trusts_partial)
    market.apply(batch(of(7, add(1, BID, 101, 5)), of(7, add(2, ASK, 100, 5))))
    return market, book_of(market, "ESH4")


def test_a_crossed_book_is_an_auction_where_there_are_auctions() -> None:
    market, book = crossed(may_cross=True)
    assert book.status == Status(BookStatus.HALTED, StatusReason.CROSSED)
    market.apply(batch(of(7, cancel(1))))
    assert book.status == Status(BookStatus.LIVE)


def test_a_crossed_book_is_a_fault_where_there_are_none() -> None:
    market, book = crossed(may_cross=False)
    assert book.status == Status(BookStatus.STALE, StatusReason.CROSSED)
    market.apply(batch(of(7, cancel(1))))
    assert book.status == Status(BookStatus.LIVE)


@pytest.mark.parametrize("reason", [StatusReason.JOINED, StatusReason.GAP])
def test_partial_books_are_trusted_only_where_that_is_wished(reason: StatusReason) -> None:
    for trusts_partial in (False, True):
        market = Market([instrument(7, "ESH4")], trusts_partial=trusts_partial)
        market.apply(batch(of(7, status(BookStatus.STALE, reason)), of(7, add(1, BID, 100, 5))))
        found = book_of(market, "ESH4").status
        assert found.is_good == trusts_partial
        assert found.reason is reason, "it is still told"


def test_trust_goes_no_further_than_partial_books() -> None:
    market, book = crossed(may_cross=False, trusts_partial=True)
    assert not book.status.is_good
    market.apply(batch(of(7, cancel(1)), of(7, status(BookStatus.STALE, StatusReason.CHECKSUM))))
    assert not book.status.is_good


def test_an_empty_batch_is_nothing(market: Market) -> None:
    market.apply(batch())
    assert market.events_applied == 0
