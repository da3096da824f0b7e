"""Kernels of the queues: levels in price order, orders in time order, sums kept beside them.

Callers make sure that the pools have room; nothing here grows.
"""

from __future__ import annotations

import numpy as np

from market_depth.book.state import BIDS, NOWHERE, BookState
from market_depth.book.table import insert_order, remove_slot
from market_depth.jit import int64, kernel

__all__ = [
    "add_order",
    "clear_book",
    "find_level",
    "remove_level",
    "remove_order",
    "resize_order",
    "set_level",
]

_NEAR = 8
"""Levels looked at one by one from the touch before the search turns binary: most events of a
real book are near the touch."""


@kernel
def find_rung(state: BookState, side: int, key: int) -> int:
    """Return how many levels of *side* have a key of at most *key*: with the level itself in
    front of that place if it is there."""
    keys = state.keys
    high = state.depth[side]
    stop = max(high - _NEAR, 0)
    while high > stop and keys[side, high - 1] > key:
        high -= 1
    if high > stop or high == 0:
        return high
    low = 0
    while low < high:
        middle = (low + high) >> 1
        if keys[side, middle] > key:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def find_level(state: BookState, side: int, price: int) -> int:
    """Return the place of a price level in the pool, NOWHERE if there is none."""
    key = price if side == BIDS else -price
    rung = find_rung(state, side, key)
    if rung > 0 and state.keys[side, rung - 1] == key:
        return int64(state.places[side, rung - 1])
    return NOWHERE


@kernel
def obtain_level(state: BookState, side: int, price: int) -> int:
    """Return the place of a price level in the pool, entering an empty one if there is none."""
    key = price if side == BIDS else -price
    rung = find_rung(state, side, key)
    keys = state.keys
    places = state.places
    if rung > 0 and keys[side, rung - 1] == key:
        return int64(places[side, rung - 1])
    totals = state.totals[0]
    place = totals.levels_free
    if place == NOWHERE:
        place = totals.levels_used
        totals.levels_used += 1
    else:
        totals.levels_free = state.levels[place].tail
    totals.levels += 1
    level = state.levels[place]
    level.price = price
    level.size = 0
    level.order_count = 0
    level.time_sum_us = 0
    level.head = NOWHERE
    level.tail = NOWHERE
    level.side = side
    for moved in range(state.depth[side], rung, -1):
        keys[side, moved] = keys[side, moved - 1]
        places[side, moved] = places[side, moved - 1]
    keys[side, rung] = key
    places[side, rung] = place
    state.depth[side] += 1
    return place


@kernel
def remove_level(state: BookState, place: int) -> None:
    """Take a level without orders out of its side and free its record."""
    level = state.levels[place]
    side = level.side
    key = level.price if side == BIDS else -level.price
    keys = state.keys
    places = state.places
    rung = find_rung(state, side, key) - 1
    last = state.depth[side] - 1
    for moved in range(rung, last):
        keys[side, moved] = keys[side, moved + 1]
        places[side, moved] = places[side, moved + 1]
    state.depth[side] = last
    totals = state.totals[0]
    level.tail = totals.levels_free
    totals.levels_free = place
    totals.levels -= 1


@kernel
def enqueue(state: BookState, order: int, side: int, price: int) -> None:
    """Put a filled-in order record at the back of its price level."""
    place = obtain_level(state, side, price)
    level = state.levels[place]
    record = state.orders[order]
    record.level = place
    record.previous = level.tail
    record.next = NOWHERE
    if level.tail == NOWHERE:
        level.head = order
    else:
        state.orders[level.tail].next = order
    level.tail = order
    level.size += record.size
    level.order_count += 1
    level.time_sum_us += record.ts_event // 1000


@kernel
def dequeue(state: BookState, order: int) -> None:
    """Take an order out of its level, and the level out of the book if it was the last one."""
    record = state.orders[order]
    place = record.level
    level = state.levels[place]
    if record.previous == NOWHERE:
        level.head = record.next
    else:
        state.orders[record.previous].next = record.next
    if record.next == NOWHERE:
        level.tail = record.previous
    else:
        state.orders[record.next].previous = record.previous
    level.size -= record.size
    level.order_count -= 1
    level.time_sum_us -= record.ts_event // 1000
    if level.order_count == 0:
        remove_level(state, place)


@kernel
def add_order(
    state: BookState, order_id: np.uint64, side: int, price: int, size: int, ts_event: int
) -> None:
    """Enter an order whose id the book does not hold at the back of its level."""
    totals = state.totals[0]
    order = totals.orders_free
    if order == NOWHERE:
        order = totals.orders_used
        totals.orders_used += 1
    else:
        totals.orders_free = state.orders[order].next
    totals.orders += 1
    record = state.orders[order]
    record.order_id = order_id
    record.size = size
    record.ts_event = ts_event
    insert_order(state.table, order_id, order)
    enqueue(state, order, side, price)


@kernel
def remove_order(state: BookState, slot: int) -> None:
    """Take the order at *slot* of the table out of the book."""
    order = state.table[slot].order
    dequeue(state, order)
    remove_slot(state.table, slot)
    totals = state.totals[0]
    record = state.orders[order]
    record.level = NOWHERE
    record.next = totals.orders_free
    totals.orders_free = order
    totals.orders -= 1


@kernel
def resize_order(state: BookState, order: int, size: int) -> None:
    """Give an order another size where it stands in its queue."""
    record = state.orders[order]
    state.levels[record.level].size += size - record.size
    record.size = size


@kernel
def requeue_order(
    state: BookState, order: int, side: int, price: int, size: int, ts_event: int
) -> None:
    """Move an order to the back of a level, which may be its own."""
    dequeue(state, order)
    record = state.orders[order]
    record.size = size
    record.ts_event = ts_event
    enqueue(state, order, side, price)


@kernel
def set_level(state: BookState, side: int, price: int, size: int, order_count: int) -> None:
    """Give a level that holds no single orders an absolute size."""
    level = state.levels[obtain_level(state, side, price)]
    level.size = size
    level.order_count = order_count


@kernel
def clear_book(state: BookState) -> None:
    """Empty the book; counters of changes and of oddities go on."""
    state.table["order"][:] = NOWHERE
    for order in range(state.totals[0].orders_used):
        state.orders[order].level = NOWHERE
    state.depth[:] = 0
    totals = state.totals[0]
    totals.orders = 0
    totals.orders_used = 0
    totals.orders_free = NOWHERE
    totals.levels = 0
    totals.levels_used = 0
    totals.levels_free = NOWHERE
