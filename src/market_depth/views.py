"""What a book shows of itself: rows of price levels or of orders, best first.

The row types are shared by the books, which fill them, and by the encoders, which write them.
Prices and sizes are counts of the instrument's smallest decimal, as in events.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVEL_DTYPE", "ORDER_DTYPE", "UNKNOWN", "Rows", "View"]

UNKNOWN = -1
"""Order count or mean age of a level whose feed does not report orders."""

LEVEL_DTYPE = np.dtype(
    [
        ("price", np.int64),
        ("size", np.int64),
        ("total_size", np.int64),  # of this level and all better ones
        ("order_count", np.int64),  # UNKNOWN without orders
        ("mean_age_ms", np.int64),  # UNKNOWN without orders
    ]
)
"""A row of an MBP view."""

ORDER_DTYPE = np.dtype(
    [
        ("order_id", np.uint64),
        ("price", np.int64),
        ("size", np.int64),
        ("ts_event", np.int64),  # ns since 1970 UTC, when the order took its place in the queue
        ("age_ms", np.int64),
    ]
)
"""A row of an MBO view."""

Rows: TypeAlias = NDArray[np.void]


class View(NamedTuple):
    """Both sides of a book at one sequence, best price first, then in queue priority."""

    bids: Rows
    asks: Rows
