"""The fast book beside the plain one."""

from __future__ import annotations

from market_depth.book import OrderBook
from market_depth.events import Side
from support.naive_book import NaiveBook

VIEW_LEVELS = (0, 1, 2, 5, 1_000_000)


def assert_same(book: OrderBook, oracle: NaiveBook, now_ns: int) -> None:
    """Compare everything that two books show, and the fast one's own sums."""
    book.check()
    _same("sequence", book.sequence, oracle.sequence)
    _same("anomalies", book.anomalies, oracle.anomalies)
    _same("trade_count", book.trade_count, oracle.trade_count)
    _same("order_count", book.order_count, len(oracle.orders))
    _same("bid_depth", book.bid_depth, oracle.depth(Side.BID))
    _same("ask_depth", book.ask_depth, oracle.depth(Side.ASK))
    _same("is_by_price", book.is_by_price, any(oracle.set_levels.values()))
    _same("is_crossed_or_locked", book.is_crossed_or_locked, oracle.is_crossed_or_locked)
    for levels in VIEW_LEVELS:
        mbp, mbo = book.mbp(levels, now_ns), book.mbo(levels, now_ns)
        wanted_mbp, wanted_mbo = oracle.mbp(levels, now_ns), oracle.mbo(levels, now_ns)
        _same(f"mbp({levels})", (mbp.bids.tolist(), mbp.asks.tolist()), wanted_mbp)
        _same(f"mbo({levels})", (mbo.bids.tolist(), mbo.asks.tolist()), wanted_mbo)
    bbo = book.bbo(now_ns)
    _same("bbo", (bbo.bids.tolist(), bbo.asks.tolist()), oracle.bbo(now_ns))


def _same(what: str, shown: object, wanted: object) -> None:
    if shown != wanted:
        raise AssertionError(f"{what} is\n{shown}, in the naive book\n{wanted}")
