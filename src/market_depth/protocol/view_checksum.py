"""The checksum of a view, its text written by kernels; `checksum` says what it is."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import kernel
from market_depth.protocol.checksum import CHECKSUM_LEVELS
from market_depth.protocol.json_digits import write_comma, write_decimal, write_unsigned
from market_depth.protocol.messages import DataType
from market_depth.views import Rows, View

__all__ = ["ViewChecksum"]

_LEVELS = CHECKSUM_LEVELS
_COLON = 58
_BAR = 124
_MAX_ROW_BYTES = 66
"""An id, a price and a size of at most 20 digits, signs and marks."""


@kernel
def write_level_keys(out: NDArray[np.uint8], at: int, rows: Rows) -> int:
    """Write the levels of one side that the checksum covers."""
    for place in range(min(len(rows), _LEVELS)):
        at = write_comma(out, at, place)
        at = write_decimal(out, at, rows[place].price, 0)
        out[at] = _COLON
        at = write_decimal(out, at + 1, rows[place].size, 0)
    return at


@kernel
def write_order_keys(out: NDArray[np.uint8], at: int, rows: Rows) -> int:
    """Write the orders of one side that the checksum covers."""
    levels = 0
    for place in range(len(rows)):
        if place == 0 or rows[place].price != rows[place - 1].price:
            levels += 1
            if levels > _LEVELS:
                break
        at = write_comma(out, at, place)
        at = write_unsigned(out, at, rows[place].order_id)
        out[at] = _COLON
        at = write_decimal(out, at + 1, rows[place].price, 0)
        out[at] = _COLON
        at = write_decimal(out, at + 1, rows[place].size, 0)
    return at


@kernel
def write_level_text(out: NDArray[np.uint8], bids: Rows, asks: Rows) -> int:
    """Write the text of a view by price; return its length."""
    at = write_level_keys(out, 0, bids)
    out[at] = _BAR
    return write_level_keys(out, at + 1, asks)


@kernel
def write_order_text(out: NDArray[np.uint8], bids: Rows, asks: Rows) -> int:
    """Write the text of a view by order; return its length."""
    at = write_order_keys(out, 0, bids)
    out[at] = _BAR
    return write_order_keys(out, at + 1, asks)


class ViewChecksum:
    """Tells checksums of views; one serves one thread, reusing its buffer."""

    __slots__ = ("_out",)

    def __init__(self) -> None:
        self._out = np.empty(4 * 1024, np.uint8)

    def of(self, data_type: DataType, view: View) -> int:
        """Return the checksum of *view*, of orders if it is MBO, else of levels."""
        room = (len(view.bids) + len(view.asks)) * _MAX_ROW_BYTES + 1
        if room > len(self._out):
            self._out = np.empty(2 * room, np.uint8)
        write = write_order_text if data_type is DataType.MBO else write_level_text
        length = write(self._out, view.bids, view.asks)
        return zlib.crc32(self._out[:length].data)
