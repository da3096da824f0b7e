"""Books told as rows of their best levels, as events: what changes from row to row.

A row is the whole window of a book, so many levels a side. A level that is in the window no longer
is removed, one that is new or different is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from market_depth.events import NO_ORDER_COUNT, Action, Events, Flag, Side, empty_events
from market_depth.jit import int64, kernel

__all__ = ["LevelWindows"]

Columns: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]
"""Prices, sizes and order counts."""

_NONE: Final = int(Action.NONE)
_CLEAR: Final = int(Action.CLEAR)
_LEVEL: Final = int(Action.LEVEL)
_BID: Final = int(Side.BID)
_ASK: Final = int(Side.ASK)
_LAST: Final = int(Flag.LAST)
_NOT_LAST: Final = 255 - _LAST
_NO_PRICE: Final = 2**63 - 1
_CHUNK_EVENTS: Final = 65_536


@kernel
def write_level(
    events: Events, at: int, head: Any, side: int, price: int, size: int, count: np.uint64
) -> int:
    """Write a LEVEL that is not the last of its change."""
    event = events[at]
    event.ts_event = head.ts_event
    event.ts_recv = head.ts_recv
    event.order_id = count
    event.price = price
    event.size = size
    event.sequence = head.sequence
    event.instrument_id = head.instrument_id
    event.action = _LEVEL
    event.side = side
    event.flags = head.flags & _NOT_LAST
    return at + 1


@kernel
def place_of(prices: NDArray[np.int64], begin: int, end: int, price: int, guess: int) -> int:
    """Return the place of a price, -1 if it is not there; looks at *guess* first."""
    if begin <= guess < end and prices[guess] == price:
        return guess
    for place in range(begin, end):
        if prices[place] == price:
            return place
    return -1


@kernel
def write_changes(
    events: Events,
    at: int,
    head: Any,
    old: Columns,
    new: Columns,
    begin: int,
    end: int,
    side: int,
) -> int:
    """Write what changes on one side: first the levels that go, then those that come."""
    old_prices, old_sizes, old_counts = old
    prices, sizes, counts = new
    for place in range(begin, end):
        price = old_prices[place]
        if price != _NO_PRICE and place_of(prices, begin, end, price, place) < 0:
            at = write_level(events, at, head, side, price, 0, np.uint64(0))
    for place in range(begin, end):
        price = prices[place]
        if price == _NO_PRICE:
            continue
        before = place_of(old_prices, begin, end, price, place)
        if before < 0 or old_sizes[before] != sizes[place] or old_counts[before] != counts[place]:
            at = write_level(events, at, head, side, price, sizes[place], counts[place])
    return at


@kernel
def write_rows(
    heads: Events,
    books: NDArray[np.int64],
    rows: Columns,
    windows: Columns,
    start: int,
    events: Events,
    written: NDArray[np.int64],
) -> int:
    """Write the changes of rows from *start* on; return the first row that has had no room.

    Args:
        heads: what each row has besides levels; an action other than NONE is written in front.
        books: place of each row's book in *windows*.
        rows: price, size and count, each of shape (rows, 2 * levels), bids before asks.
        windows: the row before of each book, written anew.
        start: the first row to look at.
        events: where to.
        written: [0] becomes how many events were written.
    """
    prices, sizes, counts = rows
    width = prices.shape[1]
    at = 0
    for place in range(start, len(heads)):
        if at + 2 * width + 1 > len(events):
            written[0] = at
            return place
        head = heads[place]
        book = books[place]
        first = at
        if int64(head.action) == _CLEAR:
            for column in range(width):
                windows[0][book, column] = _NO_PRICE
        if int64(head.action) != _NONE:
            events[at] = head
            events[at].flags = head.flags & _NOT_LAST
            at += 1
        old = (windows[0][book], windows[1][book], windows[2][book])
        new = (prices[place], sizes[place], counts[place])
        at = write_changes(events, at, head, old, new, 0, width // 2, _BID)
        at = write_changes(events, at, head, old, new, width // 2, width, _ASK)
        if at == first:
            events[at] = head
            at += 1
        events[at - 1].flags = head.flags
        for column in range(width):
            windows[0][book, column] = prices[place, column]
            windows[1][book, column] = sizes[place, column]
            windows[2][book, column] = counts[place, column]
    written[0] = at
    return len(heads)


class LevelWindows:
    """The last row of each of several books.

    Args:
        books: how many there are.
        levels: levels a side.
    """

    def __init__(self, books: int, levels: int) -> None:
        shape = (books, 2 * levels)
        self._windows = (
            np.full(shape, _NO_PRICE, np.int64),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.uint64),
        )
        self._room = max(_CHUNK_EVENTS, 8 * levels)

    def events(
        self,
        heads: Events,
        books: NDArray[np.int64],
        prices: NDArray[np.int64],
        sizes: NDArray[np.int64],
        counts: NDArray[np.uint64] | None = None,
    ) -> Iterator[Events]:
        """Yield what rows change, each row as one change if its head is flagged LAST.

        Args:
            heads: shape (n,): what each row has besides levels. One whose action is not NONE (a
                TRADE, a CLEAR) is an event of its own, in front of the levels.
            books: shape (n,): whose row it is, from 0.
            prices: shape (n, 2 * levels), bids before asks, in any order; a level of size 0 is
                none.
            sizes: likewise.
            counts: order counts likewise, `None` where the venue tells none.
        """
        prices = np.where(sizes > 0, prices, _NO_PRICE)
        if counts is None:
            counts = np.full(prices.shape, NO_ORDER_COUNT, np.uint64)
        rows = (prices, np.ascontiguousarray(sizes), np.ascontiguousarray(counts))
        heads = np.ascontiguousarray(heads)
        written = np.zeros(1, np.int64)
        done = 0
        while done < len(heads):
            room = min((len(heads) - done) * (2 * prices.shape[1] + 1), self._room)
            events = empty_events(room)
            done = write_rows(
                heads,
                books,
                rows,
                self._windows,
                done,
                events,
                written,
            )
            yield events[: written[0]]
