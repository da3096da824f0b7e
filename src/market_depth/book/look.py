"""Kernels that fill the rows of views from a book."""

from __future__ import annotations

import numpy as np

from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState
from market_depth.jit import kernel
from market_depth.views import LEVEL_DTYPE, ORDER_DTYPE, UNKNOWN, Rows, View

__all__ = ["levels_of", "orders_of"]


@kernel
def fill_levels(state: BookState, side: int, now_ns: int, rows: Rows) -> None:
    """Fill *rows* with the best price levels of a side; there must be that many."""
    best = state.depth[side] - 1
    now_us = now_ns // 1000
    total = 0
    for row in range(len(rows)):
        level = state.levels[state.places[side, best - row]]
        total += level.size
        shown = rows[row]
        shown.price = level.price
        shown.size = level.size
        shown.total_size = total
        shown.order_count = level.order_count
        shown.mean_age_ms = UNKNOWN
        if level.head != NOWHERE:
            # The sum of times may have wrapped around 2^64; the sum of ages does not.
            ages_us = level.order_count * now_us - level.time_sum_us
            shown.mean_age_ms = max(ages_us // level.order_count // 1000, 0)


@kernel
def count_orders(state: BookState, side: int, levels: int) -> int:
    """Return how many orders the best *levels* price levels of a side hold."""
    best = state.depth[side] - 1
    count = 0
    for rung in range(best, max(best - levels, -1), -1):
        level = state.levels[state.places[side, rung]]
        if level.head != NOWHERE:
            count += level.order_count
    return count


@kernel
def fill_orders(state: BookState, side: int, now_ns: int, rows: Rows) -> None:
    """Fill *rows* with the orders of a side, best price first, then in priority."""
    rung = state.depth[side] - 1
    row = 0
    while row < len(rows):
        level = state.levels[state.places[side, rung]]
        order = level.head
        while order != NOWHERE:
            record = state.orders[order]
            shown = rows[row]
            shown.order_id = record.order_id
            shown.price = level.price
            shown.size = record.size
            shown.ts_event = record.ts_event
            shown.age_ms = max((now_ns - record.ts_event) // 1_000_000, 0)
            row += 1
            order = record.next
        rung -= 1


@kernel
def fill_both_sides(state: BookState, now_ns: int, bids: Rows, asks: Rows) -> None:
    """Fill the price levels of both sides: to call a kernel costs more than to fill 20 rows."""
    fill_levels(state, BIDS, now_ns, bids)
    fill_levels(state, ASKS, now_ns, asks)


def levels_of(state: BookState, levels: int, now_ns: int) -> View:
    """Return the best price levels, at most *levels* a side, as rows of `LEVEL_DTYPE`."""
    bid_depth, ask_depth = state.depth.tolist()
    bids = np.empty(min(levels, bid_depth), LEVEL_DTYPE)
    asks = np.empty(min(levels, ask_depth), LEVEL_DTYPE)
    fill_both_sides(state, now_ns, bids, asks)
    return View(bids, asks)


def orders_of(state: BookState, side: int, levels: int | None = None, now_ns: int = 0) -> Rows:
    """Return the orders of the best *levels* price levels of a side, `None` for all levels, as
    rows of `ORDER_DTYPE`."""
    if levels is None:
        levels = int(state.depth[side])
    rows = np.empty(count_orders(state, side, levels), ORDER_DTYPE)
    fill_orders(state, side, now_ns, rows)
    return rows
