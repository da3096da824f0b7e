"""How records lie in a DBN file, by schema; the same in versions 1 to 3 for all played here.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

__all__ = [
    "HEADER_BYTES",
    "HEAD_DTYPE",
    "LEVEL_DTYPE",
    "PLAYABLE",
    "UNDEFINED_PRICE",
    "WORD_BYTES",
    "Layout",
]

HEADER_BYTES: Final = 16
WORD_BYTES: Final = 4
"""A record's header counts its length in words."""
UNDEFINED_PRICE: Final = 2**63 - 1

_HEADER: Final = [
    ("length", np.uint8),
    ("rtype", np.uint8),
    ("publisher_id", np.uint16),
    ("instrument_id", np.uint32),
    ("ts_event", np.int64),  # an undefined time, 2^64 - 1, is negative
]
_ORDER_DTYPE: Final = np.dtype(
    [
        *_HEADER,
        ("order_id", np.uint64),
        ("price", np.int64),
        ("size", np.uint32),
        ("flags", np.uint8),
        ("channel_id", np.uint8),
        ("action", np.uint8),
        ("side", np.uint8),
        ("ts_recv", np.int64),
        ("ts_in_delta", np.int32),
        ("sequence", np.uint32),
    ]
)
HEAD_DTYPE: Final = np.dtype(
    [
        *_HEADER,
        ("price", np.int64),
        ("size", np.uint32),
        ("action", np.uint8),
        ("side", np.uint8),
        ("flags", np.uint8),
        ("depth", np.uint8),
        ("ts_recv", np.int64),
        ("ts_in_delta", np.int32),
        ("sequence", np.uint32),
    ]
)
"""A trade; with levels behind it, an MBP record."""
LEVEL_DTYPE: Final = np.dtype(
    [
        ("bid_px", np.int64),
        ("ask_px", np.int64),
        ("bid_sz", np.uint32),
        ("ask_sz", np.uint32),
        ("bid_ct", np.uint32),
        ("ask_ct", np.uint32),
    ]
)


class Layout(NamedTuple):
    """What the records of a schema have."""

    schema: str
    rtype: int
    levels: int = 0
    """Levels a side."""
    has_orders: bool = False
    is_sampled: bool = False
    """Whether records are taken at intervals: then they have no action, the price and size are
    those of the last trade, whose time is `ts_event`."""
    is_consolidated: bool = False
    """Whether levels are of several venues: then they tell publishers in place of counts."""

    @property
    def dtype(self) -> np.dtype[np.void]:
        """Of a record."""
        if self.has_orders:
            return _ORDER_DTYPE
        fields = [(name, HEAD_DTYPE[name]) for name in HEAD_DTYPE.names or ()]
        if not self.levels:
            return np.dtype(fields)
        return np.dtype([*fields, ("levels", LEVEL_DTYPE, (self.levels,))])


PLAYABLE: Final = {
    layout.schema: layout
    for layout in (
        Layout("mbo", 0xA0, has_orders=True),
        Layout("mbp-10", 0x0A, 10),
        Layout("mbp-1", 0x01, 1),
        Layout("tbbo", 0x01, 1),
        Layout("trades", 0x00),
        Layout("bbo-1s", 0xC3, 1, is_sampled=True),
        Layout("bbo-1m", 0xC4, 1, is_sampled=True),
        Layout("cmbp-1", 0xB1, 1, is_consolidated=True),
        Layout("tcbbo", 0xC2, 1, is_consolidated=True),
        Layout("cbbo-1s", 0xC0, 1, is_sampled=True, is_consolidated=True),
        Layout("cbbo-1m", 0xC1, 1, is_sampled=True, is_consolidated=True),
    )
}
"""By schema."""
