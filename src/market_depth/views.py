"""What a book shows of itself: rows of price levels or of orders, best first; and how two such
views differ.

The row types are shared by the books, which fill them, and by the encoders, which write them.
Prices and sizes are counts of the instrument's smallest decimal, as in events.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LEVEL_DTYPE",
    "ORDER_CHANGE_DTYPE",
    "ORDER_DTYPE",
    "UNKNOWN",
    "Changes",
    "OrderAction",
    "Rows",
    "View",
]

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


class OrderAction(IntEnum):
    """What has happened to an order between two views."""

    CANCEL = 0
    """It is in the view no more."""
    UPDATE = 1
    """It has another size, where it stands in its queue."""
    REQUEUE = 2
    """It stands at the back of a queue that it was not in, or not at that place."""
    ADD = 3
    """It is new in the view, at the back of its queue."""


ORDER_CHANGE_DTYPE = np.dtype(
    [
        ("order_id", np.uint64),
        ("price", np.int64),
        ("size", np.int64),
        ("ts_event", np.int64),  # ns since 1970 UTC, when the order took its place in the queue
        ("action", np.int64),  # an OrderAction
    ]
)
"""What has happened to an order of an MBO view."""

Rows: TypeAlias = NDArray[np.void]


class View(NamedTuple):
    """Both sides of a book at one sequence, best price first, then in queue priority."""

    bids: Rows
    asks: Rows


class Changes(NamedTuple):
    """How a view differs from an earlier one.

    By price: rows of `LEVEL_DTYPE` with the new state of each level that is not as it was, best
    first; size 0 where there is none any more. By order: rows of `ORDER_CHANGE_DTYPE`, to be
    applied in their order.
    """

    bids: Rows
    asks: Rows

    @property
    def are_none(self) -> bool:
        """Whether the views are the same."""
        return not (len(self.bids) or len(self.asks))
