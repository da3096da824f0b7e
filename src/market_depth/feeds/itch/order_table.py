"""Kernels for the orders that rest: id → price, shares and side, in open addressing.

Executions, cancels, deletes and replaces name only an order's id; its side and price are known from
here. The hash is Fibonacci hashing (Knuth, The Art of Computer Programming vol. 3, 6.4), which
spreads ids that rise evenly. What a message touches is far away in memory (a busy day has a million
orders at rest), so it is called for some messages ahead.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import call_for, inlined_kernel, int64, kernel

__all__ = [
    "ORDER_DTYPE",
    "SELL",
    "call_for_order",
    "find_order",
    "move_orders",
    "put_order",
    "remove_order",
]

ORDER_DTYPE: Final = np.dtype(
    [
        ("order_id", np.uint64),
        ("price", np.uint32),
        ("shares", np.uint32),  # 0 where there is no order; the highest bit is set of a sell order
    ]
)
SELL: Final = np.uint32(1 << 31)

_HASH: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(32)
_ONE: Final = np.uint64(1)
_MAX_SHARES: Final = np.uint32((1 << 31) - 1)

_ORDER_BYTES: Final = np.uint64(ORDER_DTYPE.itemsize)


@inlined_kernel
def home_of(order_id: np.uint64, mask: np.uint64) -> np.uint64:
    """Return where an order would like to be."""
    return ((order_id * _HASH) >> _HALF) & mask


@inlined_kernel
def call_for_order(table: NDArray[np.void], order_id: np.uint64) -> None:
    """Have an order fetched from memory, which is to be looked for in a moment."""
    mask = np.uint64(len(table) - 1)
    home = home_of(order_id, mask)
    address = np.uint64(table.ctypes.data)
    call_for(address + home * _ORDER_BYTES)
    call_for(address + ((home + _ONE + _ONE) & mask) * _ORDER_BYTES)


@inlined_kernel
def find_order(table: NDArray[np.void], order_id: np.uint64) -> int:
    """Return an order's place, -1 if it is not there."""
    mask = np.uint64(len(table) - 1)
    place = home_of(order_id, mask)
    while table[place].shares != 0:
        if table[place].order_id == order_id:
            return int64(place)
        place = (place + _ONE) & mask
    return -1


@inlined_kernel
def put_order(
    table: NDArray[np.void], order_id: np.uint64, price: np.uint32, shares: int, is_sell: bool
) -> int:
    """Put an order of at least one share where there is room for one; return how many more there
    are than before."""
    mask = np.uint64(len(table) - 1)
    place = home_of(order_id, mask)
    while table[place].shares != 0 and table[place].order_id != order_id:
        place = (place + _ONE) & mask
    added = 1 if table[place].shares == 0 else 0
    held = np.uint32(min(shares, int64(_MAX_SHARES)))
    table[place].order_id = order_id
    table[place].price = price
    table[place].shares = held | SELL if is_sell else held
    return added


@kernel
def remove_order(table: NDArray[np.void], at: int) -> None:
    """Remove the order at a place; those behind it close up (ibid., algorithm R)."""
    mask = np.uint64(len(table) - 1)
    hole = np.uint64(at)
    place = (hole + _ONE) & mask
    while table[place].shares != 0:
        home = home_of(table[place].order_id, mask)
        if ((place - home) & mask) >= ((place - hole) & mask):
            table[hole].order_id = table[place].order_id
            table[hole].price = table[place].price
            table[hole].shares = table[place].shares
            hole = place
        place = (place + _ONE) & mask
    table[hole].shares = 0


@kernel
def move_orders(source: NDArray[np.void], target: NDArray[np.void]) -> None:
    """Copy all orders to a table that has room for them."""
    for place in range(len(source)):
        shares = source[place].shares
        if shares != 0:
            put_order(
                target,
                source[place].order_id,
                source[place].price,
                int64(shares & _MAX_SHARES),
                (shares & SELL) != 0,
            )
