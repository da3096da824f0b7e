"""Kernels that fill the rows of views from a book."""

from __future__ import annotations

import numpy as np

from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState
from market_depth.jit import kernel
from market_depth.views import LEVEL_DTYPE, ORDER_DTYPE, UNKNOWN, Rows, View

__all__ = ["grouped_levels_of", "levels_of", "orders_of"]


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


@kernel
def fill_steps(state: BookState, side: int, step: int, now_ns: int, rows: Rows) -> int:
    """Fill *rows* with the best price levels of a side, merged into steps; return how many there
    are.

    A key (see `state`) rounded down is a bid rounded down and an ask rounded up.
    """
    now_us = now_ns // 1000
    total = 0
    count = 0
    with_orders = 0  # orders of the step whose ages are known
    ages_us = 0
    last_key = 0
    for rung in range(state.depth[side] - 1, -1, -1):
        level = state.levels[state.places[side, rung]]
        key = state.keys[side, rung] // step * step
        if count == 0 or key != last_key:
            if count == len(rows):
                break
            last_key = key
            shown = rows[count]
            shown.price = key if side == BIDS else -key
            shown.size = 0
            shown.order_count = 0
            shown.mean_age_ms = UNKNOWN
            with_orders = 0
            ages_us = 0
            count += 1
        shown = rows[count - 1]
        total += level.size
        shown.size += level.size
        shown.total_size = total
        if level.order_count == UNKNOWN or shown.order_count == UNKNOWN:
            shown.order_count = UNKNOWN
        else:
            shown.order_count += level.order_count
        if level.head != NOWHERE:
            with_orders += level.order_count
            ages_us += level.order_count * now_us - level.time_sum_us
            shown.mean_age_ms = max(ages_us // with_orders // 1000, 0)
    return count


def grouped_levels_of(state: BookState, levels: int, step: int, now_ns: int) -> View:
    """Return the best price levels merged into steps, at most *levels* a side."""
    bids, asks = (np.empty(min(levels, depth), LEVEL_DTYPE) for depth in state.depth.tolist())
    return View(
        bids[: fill_steps(state, BIDS, step, now_ns, bids)],
        asks[: fill_steps(state, ASKS, step, now_ns, asks)],
    )


def orders_of(state: BookState, side: int, levels: int | None = None, now_ns: int = 0) -> Rows:
    """Return the orders of the best *levels* price levels of a side, `None` for all levels, as
    rows of `ORDER_DTYPE`."""
    if levels is None:
        levels = int(state.depth[side])
    rows = np.empty(count_orders(state, side, levels), ORDER_DTYPE)
    fill_orders(state, side, now_ns, rows)
    return rows
