"""One book by order and by price, seen at nearly the same time: Coinbase's levels 3 and 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from market_depth.book import OrderBook
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.coinbase_rest import CoinbaseRestSource
from market_depth.instruments import Instrument
from market_depth.verify.findings import Report
from market_depth.verify.sides import Sides, best_levels, book_lines

__all__ = ["compare_snapshots"]


def compare_snapshots(by_order: Path, by_price: Path, report: Report, beside: str) -> None:
    """Compare the levels that orders make up with a snapshot by price, where both have a level.

    The exchange can't be asked for both at once, so some levels will differ.

    Args:
        by_order: the snapshot by order.
        by_price: the snapshot by price.
        report: what is found is put into a check of it for each side.
        beside: what the checks name as compared with.

    Raises:
        FeedError: if a file can't be read.
    """
    orders = {one.symbol: (one, sides) for one, sides in _books(by_order, {})}
    known = {symbol: instrument for symbol, (instrument, _) in orders.items()}
    for instrument, told in _books(by_price, known):
        if instrument.symbol in orders:
            _compare(instrument, orders[instrument.symbol][1], told, report, beside)


def _books(path: Path, known: Mapping[str, Instrument]) -> Iterator[tuple[Instrument, Sides]]:
    """Yield each product of a snapshot with all its levels."""
    source = CoinbaseRestSource([path], OpenOptions(known))
    (events,) = source.chunks()
    book = OrderBook()
    book.apply(events)
    for instrument in source.instruments:
        yield instrument, best_levels(book, max(book.bid_depth, book.ask_depth))


def _compare(
    instrument: Instrument, by_order: Sides, by_price: Sides, report: Report, beside: str
) -> None:
    for name, ours, theirs in zip(("bids", "asks"), by_order, by_price, strict=True):
        levels, told = ({level.price: level for level in side} for side in (ours, theirs))
        check = report.check(f"{name} by price", beside=beside, is_soft=True)
        for price in told.keys() & levels.keys():
            if levels[price] == told[price]:
                check.passes()
            else:
                check.fails(
                    f"{instrument.symbol}: price {price} is another beside {beside}",
                    lambda: book_lines(instrument, by_order, by_price),
                )
