"""Views and their changes as the `data` objects of the wire contract, in JSON."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from market_depth.protocol.json_changes import write_level_changes, write_order_changes
from market_depth.protocol.json_digits import ascii_bytes
from market_depth.protocol.json_views import write_mbo, write_mbp
from market_depth.protocol.messages import DataType
from market_depth.views import Changes, View

__all__ = ["JsonWriter"]

_OPENINGS = {
    data_type: ascii_bytes(f'{{"format":"{data_type.value}","bids":[') for data_type in DataType
}
_MAX_ROW_BYTES = 256
"""More than any row takes: under 110 bytes of names, five numbers of at most 22."""
_MAX_FRAME_BYTES = 64


class JsonWriter:
    """Writes views and changes as JSON; one writer serves one thread, reusing its buffer."""

    __slots__ = ("_out",)

    def __init__(self) -> None:
        self._out = np.empty(64 * 1024, np.uint8)

    def write(
        self, data_type: DataType, view: View, price_decimals: int, quantity_decimals: int
    ) -> bytes:
        """Return the `data` object of *view*.

        Args:
            data_type: MBO for rows of `ORDER_DTYPE`; MBP or BBO for rows of `LEVEL_DTYPE`.
            view: what to write.
            price_decimals: decimals of the instrument's prices.
            quantity_decimals: decimals of its quantities; 0 writes integers.
        """
        write = write_mbo if data_type is DataType.MBO else write_mbp
        return self._written(write, data_type, view, price_decimals, quantity_decimals)

    def write_changes(
        self, data_type: DataType, changes: Changes, price_decimals: int, quantity_decimals: int
    ) -> bytes:
        """Return the `data` object of a MarketDelta; arguments as of `write`."""
        write = write_order_changes if data_type is DataType.MBO else write_level_changes
        return self._written(write, data_type, changes, price_decimals, quantity_decimals)

    def _written(
        self,
        write: Callable[..., int],
        data_type: DataType,
        sides: View | Changes,
        price_decimals: int,
        quantity_decimals: int,
    ) -> bytes:
        bids, asks = sides
        room = (len(bids) + len(asks)) * _MAX_ROW_BYTES + _MAX_FRAME_BYTES
        if room > len(self._out):
            self._out = np.empty(2 * room, np.uint8)
        opening = _OPENINGS[data_type]
        length = write(self._out, opening, bids, asks, price_decimals, quantity_decimals)
        return self._out[:length].tobytes()
