"""The one record that every feed yields and every book takes.

The fields and their meaning are those of Databento's MBO schema (market by order): an event
adds, cancels or modifies one order, clears the book, or reports a trade or a fill. Two actions
are added: `Action.LEVEL`, the absolute new state of a price level, for feeds without orders, and
`Action.STATUS`, what a feed knows of the book as a whole.

Prices and sizes are counts of the instrument's smallest decimal: with two price decimals,
102.45 is 10245.

Source: https://databento.com/docs/schemas-and-data-formats/mbo
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EVENT_DTYPE",
    "NO_ORDER_COUNT",
    "Action",
    "BookStatus",
    "Events",
    "Flag",
    "Side",
    "StatusReason",
    "empty_events",
    "last_complete_event",
]


class Action(IntEnum):
    """What an event does to the book: the ASCII code of Databento's letter."""

    ADD = ord("A")
    """A new order rests in the book."""
    CANCEL = ord("C")
    """An order loses `size` (all that is left if `size` is 0 or more than rests)."""
    MODIFY = ord("M")
    """An order has a new price or size; more size or another price costs its priority."""
    CLEAR = ord("R")
    """Every order and level is gone."""
    TRADE = ord("T")
    """An aggressor traded; the book is changed by the events that go with it, not by this."""
    FILL = ord("F")
    """A resting order traded; the book is changed by the events that go with it, not by this."""
    LEVEL = ord("L")
    """A price level has a new absolute `size` (0 removes it); `order_id` is its order count."""
    STATUS = ord("S")
    """The book's status is `size`, a `BookStatus`, for the reason `price`, a `StatusReason`."""
    NONE = ord("N")
    """Nothing happens to the book; the event may carry flags."""


class BookStatus(IntEnum):
    """Whether a book can be trusted."""

    WAITING = 0
    """Nothing has come from the feed yet."""
    LIVE = 1
    RECOVERED = 2
    """Live again: it was stale, and has been made good since."""
    HALTED = 3
    """The venue has suspended trading, or holds an auction; the book is the venue's."""
    STALE = 4
    """Not the venue's book (any longer): it is not to be shown as if it were."""

    @property
    def label(self) -> str:
        """The status as the wire contract writes it: "Live"."""
        return self.name.capitalize()


class StatusReason(IntEnum):
    """Why a book has its status."""

    NONE = 0
    GAP = 1
    CHECKSUM = 2
    CROSSED = 3
    JOINED = 4
    DISCONNECTED = 5
    VENUE = 6
    FEED = 7

    @property
    def text(self) -> str:
        """The reason for a person to read, empty if there is none."""
        return _REASONS[self]


_REASONS = {
    StatusReason.NONE: "",
    StatusReason.GAP: "messages of the venue are missing",
    StatusReason.CHECKSUM: "the venue's checksum is another",
    StatusReason.CROSSED: "the best bid is at or above the best ask",
    StatusReason.JOINED: "joined in mid-session, and no snapshot yet",
    StatusReason.DISCONNECTED: "the connection to the venue is down",
    StatusReason.VENUE: "the venue says so",
    StatusReason.FEED: "the feed has failed",
}


class Side(IntEnum):
    """Side of an order, or of the aggressor in a trade: the ASCII code of Databento's letter."""

    BID = ord("B")
    ASK = ord("A")
    NONE = ord("N")


class Flag(IntFlag):
    """Bits of the `flags` field, valued as in Databento's encoding."""

    LAST = 128
    """Last event of one change at the venue: the book may be looked at after it."""
    TOP_OF_BOOK = 64
    SNAPSHOT = 32
    """The event comes from a snapshot, not from something that has just happened."""
    MBP = 16
    BAD_TS_RECV = 8
    MAYBE_BAD_BOOK = 4


NO_ORDER_COUNT = 2**64 - 1
"""`order_id` of a LEVEL event whose venue does not report how many orders make up the level."""

EVENT_DTYPE = np.dtype(
    [
        ("ts_event", np.int64),  # ns since 1970 UTC, the venue's clock
        ("ts_recv", np.int64),  # ns since 1970 UTC, the receiver's clock; never goes back
        ("order_id", np.uint64),
        ("price", np.int64),
        ("size", np.int64),
        ("sequence", np.uint64),  # the venue's message sequence, 0 where it has none
        ("instrument_id", np.uint32),
        ("action", np.uint8),
        ("side", np.uint8),
        ("flags", np.uint8),
    ],
    align=True,
)

Events: TypeAlias = NDArray[np.void]
"""A one-dimensional array of `EVENT_DTYPE`."""


def empty_events(length: int) -> Events:
    """Return *length* events of zeros."""
    return np.zeros(length, EVENT_DTYPE)


def last_complete_event(events: Events) -> int:
    """Return how many of *events* make up whole changes: the place behind the last LAST flag."""
    places = np.flatnonzero(events["flags"] & np.uint8(Flag.LAST))
    return int(places[-1]) + 1 if len(places) else 0
