"""Kernels that write views of a book as the `data` object of the wire contract, in JSON.

Numbers come straight from the integers, so 102.45 is never 102.45000000000002. Structs and
msgspec took 4 to 10 times as long for the same rows (`benchmarks/bench_encode.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import kernel
from market_depth.protocol.json_digits import (
    NS_PER_DAY,
    ascii_bytes,
    write_comma,
    write_decimal,
    write_text,
    write_time,
    write_unsigned,
)
from market_depth.views import UNKNOWN, Rows

__all__ = [
    "ASKS_OPEN",
    "CLOSE_BRACE",
    "ORDER_COUNT",
    "ORDER_PRICE",
    "PRICE",
    "QUANTITY",
    "SIDES_CLOSE",
    "write_count",
    "write_mbo",
    "write_mbp",
]

PRICE = ascii_bytes('{"price":')
QUANTITY = ascii_bytes(',"quantity":')
ORDER_COUNT = ascii_bytes(',"order_count":')
_TOTAL = ascii_bytes('"total_quantity":')
_MEAN_AGE = ascii_bytes(',"avg_age_ms":')
_ORDER_ID = ascii_bytes('{"order_id":"')
ORDER_PRICE = ascii_bytes('","price":')
_TIMESTAMP = ascii_bytes('"timestamp":"')
_AGE = ascii_bytes('","age_ms":')
_NULL = ascii_bytes("null")
_SIDE_BID = ascii_bytes(',"side":"Bid",')
_SIDE_ASK = ascii_bytes(',"side":"Ask",')

CLOSE_BRACE = 125
ASKS_OPEN = ascii_bytes('],"asks":[')
SIDES_CLOSE = ascii_bytes("]}")


@kernel
def write_count(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Write a count, or null if it is UNKNOWN."""
    if value == UNKNOWN:
        return write_text(out, at, _NULL)
    return write_decimal(out, at, value, 0)


@kernel
def write_levels(
    out: NDArray[np.uint8],
    at: int,
    rows: Rows,
    side: NDArray[np.uint8],
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Write the price levels of one side."""
    for place in range(len(rows)):
        row = rows[place]
        at = write_comma(out, at, place)
        at = write_text(out, at, PRICE)
        at = write_decimal(out, at, row.price, price_decimals)
        at = write_text(out, at, QUANTITY)
        at = write_decimal(out, at, row.size, quantity_decimals)
        at = write_text(out, at, ORDER_COUNT)
        at = write_count(out, at, row.order_count)
        at = write_text(out, at, side)
        at = write_text(out, at, _TOTAL)
        at = write_decimal(out, at, row.total_size, quantity_decimals)
        at = write_text(out, at, _MEAN_AGE)
        at = write_count(out, at, row.mean_age_ms)
        out[at] = CLOSE_BRACE
        at += 1
    return at


@kernel
def write_orders(
    out: NDArray[np.uint8],
    at: int,
    rows: Rows,
    side: NDArray[np.uint8],
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Write the orders of one side."""
    time_at = -1
    day = -1
    for place in range(len(rows)):
        row = rows[place]
        at = write_comma(out, at, place)
        at = write_text(out, at, _ORDER_ID)
        at = write_unsigned(out, at, row.order_id)
        at = write_text(out, at, ORDER_PRICE)
        at = write_decimal(out, at, row.price, price_decimals)
        at = write_text(out, at, QUANTITY)
        at = write_decimal(out, at, row.size, quantity_decimals)
        at = write_text(out, at, side)
        at = write_text(out, at, _TIMESTAMP)
        row_day = row.ts_event // NS_PER_DAY
        same_day_at = time_at if row_day == day else -1
        time_at, day = at, row_day
        at = write_time(out, at, row.ts_event, same_day_at)
        at = write_text(out, at, _AGE)
        at = write_decimal(out, at, row.age_ms, 0)
        out[at] = CLOSE_BRACE
        at += 1
    return at


@kernel
def write_mbp(
    out: NDArray[np.uint8],
    opening: NDArray[np.uint8],
    bids: Rows,
    asks: Rows,
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Write an MBP or BBO object that begins with *opening*; return its length."""
    at = write_text(out, 0, opening)
    at = write_levels(out, at, bids, _SIDE_BID, price_decimals, quantity_decimals)
    at = write_text(out, at, ASKS_OPEN)
    at = write_levels(out, at, asks, _SIDE_ASK, price_decimals, quantity_decimals)
    return write_text(out, at, SIDES_CLOSE)


@kernel
def write_mbo(
    out: NDArray[np.uint8],
    opening: NDArray[np.uint8],
    bids: Rows,
    asks: Rows,
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Write an MBO object that begins with *opening*; return its length."""
    at = write_text(out, 0, opening)
    at = write_orders(out, at, bids, _SIDE_BID, price_decimals, quantity_decimals)
    at = write_text(out, at, ASKS_OPEN)
    at = write_orders(out, at, asks, _SIDE_ASK, price_decimals, quantity_decimals)
    return write_text(out, at, SIDES_CLOSE)
