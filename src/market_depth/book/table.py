"""Kernels of the hash table: order id → place of the order in the pool.

Open addressing with linear probing, at most half full. Removal shifts the followers back
(Knuth, The Art of Computer Programming vol. 3, 6.4, algorithm R), so there are no tombstones
and look-ups stay short however long the book lives. The hash is Fibonacci hashing (ibid., 6.4):
ids that venues number consecutively spread over the table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market_depth.book.state import NOWHERE, BookState
from market_depth.jit import int64, kernel

__all__ = ["find_slot", "insert_order", "rebuild_table", "remove_slot"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(32)


@kernel
def home_slot(order_id: np.uint64, mask: int) -> int:
    """Return where *order_id* would be if it never met another."""
    return int64((order_id * _GOLDEN) >> _HIGH) & mask


@kernel
def find_slot(table: NDArray[np.void], order_id: np.uint64) -> int:
    """Return the slot of *order_id*, NOWHERE if the book does not hold it."""
    mask = len(table) - 1
    slot = home_slot(order_id, mask)
    while table[slot].order != NOWHERE:
        if table[slot].order_id == order_id:
            return slot
        slot = (slot + 1) & mask
    return NOWHERE


@kernel
def insert_order(table: NDArray[np.void], order_id: np.uint64, order: int) -> None:
    """Enter an id that the table does not hold; the table must have a free slot."""
    mask = len(table) - 1
    slot = home_slot(order_id, mask)
    while table[slot].order != NOWHERE:
        slot = (slot + 1) & mask
    table[slot].order_id = order_id
    table[slot].order = order


@kernel
def remove_slot(table: NDArray[np.void], slot: int) -> None:
    """Take out the entry at *slot* and close the gap."""
    mask = len(table) - 1
    gap = slot
    slot = (gap + 1) & mask
    while table[slot].order != NOWHERE:
        home = home_slot(table[slot].order_id, mask)
        if ((slot - home) & mask) >= ((slot - gap) & mask):
            table[gap].order_id = table[slot].order_id
            table[gap].order = table[slot].order
            gap = slot
        slot = (slot + 1) & mask
    table[gap].order = NOWHERE


@kernel
def rebuild_table(state: BookState) -> None:
    """Fill an empty table from the pool."""
    for order in range(state.totals[0].orders_used):
        if state.orders[order].level != NOWHERE:
            insert_order(state.table, state.orders[order].order_id, order)
