"""The events that build books up as they stand, for a file that begins in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from market_depth.book import Books, OrderBook
from market_depth.events import (
    NO_ORDER_COUNT,
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    empty_events,
)
from market_depth.instruments import Instrument
from market_depth.views import UNKNOWN, Rows, View

__all__ = ["book_head", "head_of"]


def head_of(books: Books, instruments: Sequence[Instrument], ts_recv: int) -> Events:
    """Return what builds every book up that anything has come to, a change for each.

    Args:
        books: as they are to be.
        instruments: whose books.
        ts_recv: when the events are to have been received, ns since 1970 UTC.
    """
    heads = [empty_events(0)]
    for instrument in instruments:
        book = books[instrument.instrument_id]
        if book.status is BookStatus.WAITING and not book.sequence:
            continue
        head = book_head(book, ts_recv)
        head["instrument_id"] = instrument.instrument_id
        heads.append(head)
    return np.concatenate(heads)


def book_head(book: OrderBook, ts_recv: int) -> Events:
    """Return a CLEAR, the orders in queue priority or the levels, and the book's status."""
    levels = max(book.bid_depth, book.ask_depth)
    rows = list(_rows(book.mbp(levels, 0) if book.is_by_price else book.mbo(levels, 0)))
    count = sum(len(side_rows) for _, side_rows in rows)
    events = empty_events(count + 2)
    events["ts_recv"] = ts_recv
    events["ts_event"][[0, -1]] = ts_recv, book.status_ns
    events["flags"] = Flag.SNAPSHOT
    events["action"][[0, -1]] = Action.CLEAR, Action.STATUS
    events["side"][[0, -1]] = Side.NONE
    at = 1
    for side, side_rows in rows:
        _fill(events[at : at + len(side_rows)], side, side_rows, book.is_by_price, ts_recv)
        at += len(side_rows)
    events["size"][-1] = book.status
    events["price"][-1] = book.status_reason
    events["flags"][-1] = Flag.SNAPSHOT | Flag.LAST
    return events


def _rows(view: View) -> Iterator[tuple[Side, Rows]]:
    yield Side.BID, view.bids
    yield Side.ASK, view.asks


def _fill(events: Events, side: Side, rows: Rows, is_by_price: bool, ts_recv: int) -> None:
    events["side"] = side
    events["price"] = rows["price"]
    events["size"] = rows["size"]
    if is_by_price:
        counts = rows["order_count"]
        events["action"] = Action.LEVEL
        events["ts_event"] = ts_recv
        events["order_id"] = counts.astype(np.uint64)
        events["order_id"][counts == UNKNOWN] = NO_ORDER_COUNT
    else:
        events["action"] = Action.ADD
        events["ts_event"] = rows["ts_event"]
        events["order_id"] = rows["order_id"]
