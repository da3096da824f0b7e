"""What the kernel that decodes messages works on, and why it stops."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MAX_EVENTS_PER_MESSAGE",
    "NOT_TOLD",
    "NO_TRADING",
    "SEGMENT_DTYPE",
    "STATE_DTYPE",
    "TARGET_DTYPE",
    "UNDEFINED_PRICE",
    "VENUE_HALT",
    "Stop",
    "Work",
]

MAX_EVENTS_PER_MESSAGE: Final = 3
UNDEFINED_PRICE: Final = 2**63 - 1
"""Price of an execution whose order is not known, and of a broken trade."""
NO_TRADING: Final = 1
"""Bit of `halts`: the trading state is another than trading."""
VENUE_HALT: Final = 2
"""Bit of `halts`: an operational halt."""
NOT_TOLD: Final = 4
"""Bit of `halts`: the trading state has not been told since the day's start."""


class Stop(IntEnum):
    """Why the kernel has stopped."""

    END = 0
    """All whole messages have been taken."""
    ROOM = 1
    """There is no room for more events."""
    TABLE = 2
    """The table of orders is half full."""
    JOINED = 3
    """An order comes before a day has started."""
    NAMED = 4
    """A message names another stock than its locate is known to be."""
    DAMAGED = 5
    """What comes next is no message."""
    STARTED = 6
    """A day has started: books are empty. That message has been taken."""
    OPENED = 7
    """The hours in which the venue takes orders have begun. That message has been taken."""


STATE_DTYPE: Final = np.dtype(
    [
        ("at", np.int64),  # the next message's place
        ("segment", np.int64),  # that it is in
        ("written", np.int64),  # events
        ("sequence", np.int64),  # of the next message
        ("latest_ns", np.int64),  # latest time of receipt
        ("midnight_ns", np.int64),  # begin of the day
        ("orders", np.int64),  # in the table
        ("begun", np.bool_),  # a day has started, or is known to have been joined
        ("stale", np.bool_),  # books are stale, so that halts are not told
        ("ended", np.bool_),  # the message before was the end of a session
        ("spun", np.bool_),  # trading states have been told since the day's start
        ("tells_lengths", np.bool_),  # not so where zeros stand in place of the lengths
    ],
    align=True,
)

SEGMENT_DTYPE: Final = np.dtype(
    [
        ("end", np.int64),  # place behind its last byte
        ("ts_recv", np.int64),  # ns since 1970 UTC, of all its messages; -1 takes their own times
    ]
)
"""Messages that have come together; only the last one's last message may be cut off."""

TARGET_DTYPE: Final = np.dtype(
    [
        ("symbol", np.uint64),  # its 8 bytes as a number, 0 where it has not been named
        ("price_unit", np.int64),  # counts in 1/10000 dollar; 0 is not wanted
        ("size_unit", np.int64),  # counts in a share
        ("instrument_id", np.uint32),  # in events
        ("halts", np.uint32),  # bits: NO_TRADING, VENUE_HALT, NOT_TOLD
    ],
    align=True,
)
"""What becomes of a stock; shape (65536,), by locate."""


class Work(NamedTuple):
    """What the kernel works on."""

    state: NDArray[np.void]
    """Shape (1,) of `STATE_DTYPE`."""
    targets: NDArray[np.void]
    table: NDArray[np.void]
    """Of `ORDER_DTYPE`; a power of two."""
