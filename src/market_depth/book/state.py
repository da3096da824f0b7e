"""The arrays that hold one order book.

    table    open-addressing hash, order id → place in `orders`
    orders   pool of order records; the orders of a level are a doubly linked FIFO queue
    levels   pool of level records with their sums; a level keeps its place while it lives
    keys,    per side, the live levels sorted with the best at the end (an insert near the
    places   touch moves little): `keys` to compare, `places` in `levels`
    depth    number of live levels per side
    totals   one record of counters and free lists

A price's key is the price for bids and its negative for asks: on either side a larger key is a
better price.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ASKS", "BIDS", "NOWHERE", "BookState", "empty_table", "grown", "new_state"]

BIDS = 0
ASKS = 1
NOWHERE = -1
"""End of a queue or of a free list, empty slot of the table."""

SLOT_DTYPE = np.dtype([("order_id", np.uint64), ("order", np.int64)])

POOLED_ORDER_DTYPE = np.dtype(
    [
        ("order_id", np.uint64),
        ("size", np.int64),
        ("ts_event", np.int64),
        ("previous", np.int32),  # nearer to the front of the queue
        ("next", np.int32),  # nearer to its back; next free record when free
        ("level", np.int32),  # NOWHERE when free
        ("_pad", np.int32),
    ]
)

POOLED_LEVEL_DTYPE = np.dtype(
    [
        ("price", np.int64),
        ("size", np.int64),
        ("order_count", np.int64),  # UNKNOWN for a level set without its count
        ("time_sum_us", np.int64),  # sum of the orders' ts_event in µs, modulo 2^64
        ("head", np.int32),  # first order in priority, NOWHERE for a level set by a LEVEL event
        ("tail", np.int32),  # last order; next free record when free
        ("side", np.int64),
    ]
)

TOTALS_DTYPE = np.dtype(
    [
        ("sequence", np.int64),  # changes applied
        ("event_ns", np.int64),  # ts_event of the last one
        ("orders", np.int64),  # live orders
        ("orders_used", np.int64),  # records of the pool ever used
        ("orders_free", np.int64),  # first free record below that, NOWHERE if none
        ("levels", np.int64),
        ("levels_used", np.int64),
        ("levels_free", np.int64),
        ("trades", np.int64),
        ("duplicate_adds", np.int64),
        ("unknown_cancels", np.int64),
        ("unknown_modifies", np.int64),
        ("oversized_cancels", np.int64),
        ("mixed_events", np.int64),
        ("invalid_events", np.int64),
        ("status", np.int64),  # a BookStatus
        ("status_reason", np.int64),  # a StatusReason
        ("status_ns", np.int64),  # since when, the venue's time
    ]
)


class BookState(NamedTuple):
    """One book's arrays; kernels take it whole."""

    table: NDArray[np.void]
    orders: NDArray[np.void]
    levels: NDArray[np.void]
    keys: NDArray[np.int64]
    places: NDArray[np.int32]
    depth: NDArray[np.int64]
    totals: NDArray[np.void]


def empty_table(slots: int) -> NDArray[np.void]:
    """Return a hash table for ids, of *slots* (a power of two, twice as many as ids)."""
    table = np.zeros(slots, SLOT_DTYPE)
    table["order"] = NOWHERE
    return table


def new_state(orders: int, levels: int) -> BookState:
    """Return an empty book with room for *orders* (a power of two) and *levels*."""
    totals = np.zeros(1, TOTALS_DTYPE)
    totals["orders_free"] = NOWHERE
    totals["levels_free"] = NOWHERE
    return BookState(
        table=empty_table(2 * orders),
        orders=np.zeros(orders, POOLED_ORDER_DTYPE),
        levels=np.zeros(levels, POOLED_LEVEL_DTYPE),
        keys=np.zeros((2, levels), np.int64),
        places=np.zeros((2, levels), np.int32),
        depth=np.zeros(2, np.int64),
        totals=totals,
    )


def grown(state: BookState, *, orders: bool, levels: bool) -> BookState:
    """Return *state* with twice the room for orders, levels or both.

    The table is left empty when it grows, for the caller to fill.
    """
    if orders:
        state = state._replace(
            table=empty_table(2 * len(state.table)),
            orders=np.concatenate([state.orders, np.zeros_like(state.orders)]),
        )
    if levels:
        state = state._replace(
            levels=np.concatenate([state.levels, np.zeros_like(state.levels)]),
            keys=np.concatenate([state.keys, np.zeros_like(state.keys)], axis=1),
            places=np.concatenate([state.places, np.zeros_like(state.places)], axis=1),
        )
    return state
