"""Kernels that write how a view has changed as the `data` object of the wire contract, in JSON."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import kernel
from market_depth.protocol.json_digits import (
    ascii_bytes,
    write_comma,
    write_decimal,
    write_text,
    write_time,
    write_unsigned,
)
from market_depth.protocol.json_views import (
    ASKS_OPEN,
    CLOSE_BRACE,
    ORDER_COUNT,
    ORDER_PRICE,
    PRICE,
    QUANTITY,
    SIDES_CLOSE,
    write_count,
)
from market_depth.views import OrderAction, Rows

__all__ = ["write_level_changes", "write_order_changes"]

_ACTION_ADD = ascii_bytes('{"action":"Add","order_id":"')
_ACTION_UPDATE = ascii_bytes('{"action":"Update","order_id":"')
_ACTION_CANCEL = ascii_bytes('{"action":"Cancel","order_id":"')
_QUEUED = ascii_bytes(',"timestamp":"')
_LOST = ascii_bytes(',"priority":"lost"')

_CANCEL = int(OrderAction.CANCEL)
_REQUEUE = int(OrderAction.REQUEUE)
_ADD = int(OrderAction.ADD)

_QUOTE = 34


@kernel
def write_changed_levels(
    out: NDArray[np.uint8], at: int, rows: Rows, price_decimals: int, quantity_decimals: int
) -> int:
    """Write the price levels of one side that have changed."""
    for place in range(len(rows)):
        row = rows[place]
        at = write_comma(out, at, place)
        at = write_text(out, at, PRICE)
        at = write_decimal(out, at, row.price, price_decimals)
        at = write_text(out, at, QUANTITY)
        if row.size == 0:
            at = write_decimal(out, at, 0, 0)
        else:
            at = write_decimal(out, at, row.size, quantity_decimals)
            at = write_text(out, at, ORDER_COUNT)
            at = write_count(out, at, row.order_count)
        out[at] = CLOSE_BRACE
        at += 1
    return at


@kernel
def write_changed_orders(
    out: NDArray[np.uint8], at: int, rows: Rows, price_decimals: int, quantity_decimals: int
) -> int:
    """Write what has happened to the orders of one side."""
    for place in range(len(rows)):
        row = rows[place]
        at = write_comma(out, at, place)
        if row.action == _CANCEL:
            at = write_text(out, at, _ACTION_CANCEL)
        elif row.action == _ADD:
            at = write_text(out, at, _ACTION_ADD)
        else:
            at = write_text(out, at, _ACTION_UPDATE)
        at = write_unsigned(out, at, row.order_id)
        at = write_text(out, at, ORDER_PRICE)
        at = write_decimal(out, at, row.price, price_decimals)
        if row.action != _CANCEL:
            at = write_text(out, at, QUANTITY)
            at = write_decimal(out, at, row.size, quantity_decimals)
        if row.action == _ADD or row.action == _REQUEUE:
            at = write_text(out, at, _QUEUED)
            at = write_time(out, at, row.ts_event, -1)
            out[at] = _QUOTE
            at += 1
        if row.action == _REQUEUE:
            at = write_text(out, at, _LOST)
        out[at] = CLOSE_BRACE
        at += 1
    return at


@kernel
def write_level_changes(
    out: NDArray[np.uint8],
    opening: NDArray[np.uint8],
    bids: Rows,
    asks: Rows,
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Write what has changed by price, an object that begins with *opening*; return its length."""
    at = write_text(out, 0, opening)
    at = write_changed_levels(out, at, bids, price_decimals, quantity_decimals)
    at = write_text(out, at, ASKS_OPEN)
    at = write_changed_levels(out, at, asks, price_decimals, quantity_decimals)
    return write_text(out, at, SIDES_CLOSE)


@kernel
def write_order_changes(
    out: NDArray[np.uint8],
    opening: NDArray[np.uint8],
    bids: Rows,
    asks: Rows,
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Write what has changed by order, an object that begins with *opening*; return its length."""
    at = write_text(out, 0, opening)
    at = write_changed_orders(out, at, bids, price_decimals, quantity_decimals)
    at = write_text(out, at, ASKS_OPEN)
    at = write_changed_orders(out, at, asks, price_decimals, quantity_decimals)
    return write_text(out, at, SIDES_CLOSE)
