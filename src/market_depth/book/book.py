"""The order book of one instrument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from market_depth.book.apply import apply_events
from market_depth.book.check import check_state
from market_depth.book.look import grouped_levels_of, levels_of, orders_of
from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState, grown, new_state
from market_depth.book.table import find_slot, rebuild_table
from market_depth.errors import BookError
from market_depth.events import EVENT_DTYPE, BookStatus, Events, StatusReason
from market_depth.views import View

__all__ = [
    "BookAnomalies",
    "BookPolicy",
    "DuplicateAdd",
    "OrderBook",
    "UnknownModify",
    "kernel_events",
]


class DuplicateAdd(Enum):
    """What to do with an ADD of an order id that the book holds already."""

    REPLACE = "replace"
    """The older order goes, the newer one queues at the back."""
    IGNORE = "ignore"


class UnknownModify(Enum):
    """What to do with a MODIFY of an order id that the book does not hold."""

    ADD = "add"
    """Take it as an ADD, as Databento's reference book does: the order was there before us."""
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class BookPolicy:
    """How a book takes events that do not fit it. An unknown CANCEL changes nothing, a CANCEL
    of more than rests removes the order, and both are counted, whatever the policy."""

    duplicate_add: DuplicateAdd = DuplicateAdd.REPLACE
    unknown_modify: UnknownModify = UnknownModify.ADD


class BookAnomalies(NamedTuple):
    """How often events did not fit the book."""

    duplicate_adds: int
    """ADD of an id that was there."""
    unknown_cancels: int
    """CANCEL of an id, or removal of a level, that was not there."""
    unknown_modifies: int
    """MODIFY of an id that was not there."""
    oversized_cancels: int
    """CANCEL of more than rested."""
    mixed_events: int
    """ADD to a book of set levels, or LEVEL to a book of orders; ignored."""
    invalid_events: int
    """Unknown action, no side, no price or no positive size; ignored."""


def kernel_events(events: Events) -> Events:
    """Return *events* in the one memory layout that kernels are compiled for.

    Raises:
        BookError: if *events* is no array of shape (n,) and `EVENT_DTYPE`.
    """
    if not _are_events(events):
        raise BookError(
            f"a book takes a one-dimensional array of EVENT_DTYPE, not {type(events).__name__}"
        )
    if events.flags.c_contiguous and events.flags.writeable:
        return events
    return events.copy()


def _are_events(events: object) -> bool:
    if not isinstance(events, np.ndarray) or events.ndim != 1:
        return False
    return events.dtype is EVENT_DTYPE or bool(events.dtype == EVENT_DTYPE)


class OrderBook:
    """Price levels and orders of one instrument, in integers.

    Args:
        policy: how to take events that do not fit.
        orders: room for orders to start with; it doubles whenever it is used up.
        levels: room for price levels to start with; it doubles likewise.
        moved: told the arrays whenever the book has got others.
    """

    __slots__ = ("_add_unknown", "_moved", "_replace_duplicate", "_state")

    def __init__(
        self,
        policy: BookPolicy = BookPolicy(),
        *,
        orders: int = 1024,
        levels: int = 256,
        moved: Callable[[BookState], None] | None = None,
    ) -> None:
        self._state = new_state(1 << max(orders - 1, 1).bit_length(), max(levels, 1))
        self._replace_duplicate = policy.duplicate_add is DuplicateAdd.REPLACE
        self._add_unknown = policy.unknown_modify is UnknownModify.ADD
        self._moved = moved
        if moved is not None:
            moved(self._state)

    def apply(self, events: Events) -> None:
        """Apply *events*, shape (n,) of `EVENT_DTYPE`, in order.

        Raises:
            BookError: if *events* is no such array; the book is as before.
        """
        events = kernel_events(events)
        length = len(events)
        done = 0
        while True:
            done = apply_events(
                self._state, events, done, self._replace_duplicate, self._add_unknown
            )
            if done == length:
                break
            self.grow()

    def grow(self) -> None:
        """Double the room of what has none left."""
        totals = self._state.totals[0]
        full_orders = bool(totals["orders"] == len(self._state.orders))
        full_levels = bool(totals["levels"] == len(self._state.levels))
        self._state = grown(self._state, orders=full_orders, levels=full_levels)
        if full_orders:
            rebuild_table(self._state)
        if self._moved is not None:
            self._moved(self._state)

    def mbp(self, levels: int, now_ns: int) -> View:
        """Return the best *levels* price levels a side, rows of `LEVEL_DTYPE`.

        Args:
            levels: how many at most, a side.
            now_ns: the market's time (ns since 1970 UTC) against which ages are told.
        """
        return levels_of(self._state, levels, now_ns)

    def mbo(self, levels: int, now_ns: int) -> View:
        """Return every order of the best *levels* price levels a side, rows of `ORDER_DTYPE`."""
        state = self._state
        return View(orders_of(state, BIDS, levels, now_ns), orders_of(state, ASKS, levels, now_ns))

    def grouped_mbp(self, levels: int, step: int, now_ns: int) -> View:
        """Return the best *levels* price levels a side, merged into steps.

        Args:
            levels: how many at most, a side.
            step: size of a step, a count of the last decimal; a bid belongs to the step at or below
                its price, an ask to the one at or above.
            now_ns: the market's time against which ages are told.
        """
        return grouped_levels_of(self._state, levels, step, now_ns)

    def bbo(self, now_ns: int) -> View:
        """Return the best price level of either side, a row of `LEVEL_DTYPE` or none."""
        return self.mbp(1, now_ns)

    @property
    def sequence(self) -> int:
        """How many changes the book has applied."""
        return int(self._state.totals["sequence"][0])

    @property
    def event_ns(self) -> int:
        """The venue's time of the last change: ns since 1970 UTC, 0 if there was none."""
        return int(self._state.totals["event_ns"][0])

    @property
    def status(self) -> BookStatus:
        """What the feed has said of the book; WAITING before its first change."""
        return BookStatus(int(self._state.totals["status"][0]))

    @property
    def status_reason(self) -> StatusReason:
        """Why the book has its status."""
        return StatusReason(int(self._state.totals["status_reason"][0]))

    @property
    def status_ns(self) -> int:
        """Since when it has its status: ns since 1970 UTC, the venue's time."""
        return int(self._state.totals["status_ns"][0])

    @property
    def order_count(self) -> int:
        """How many orders rest in the book."""
        return int(self._state.totals["orders"][0])

    @property
    def bid_depth(self) -> int:
        """How many bid price levels there are."""
        return int(self._state.depth[BIDS])

    @property
    def ask_depth(self) -> int:
        """How many ask price levels there are."""
        return int(self._state.depth[ASKS])

    @property
    def trade_count(self) -> int:
        """How many TRADE events have come by."""
        return int(self._state.totals["trades"][0])

    @property
    def is_by_price(self) -> bool:
        """Whether the book's levels were set as a whole: it can show no single orders."""
        return self.order_count == 0 and self.bid_depth + self.ask_depth > 0

    @property
    def is_crossed_or_locked(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bids, asks = self._state.depth.tolist()
        if not (bids and asks):
            return False
        key = self._state.keys.item  # a fifth of the time that indexing takes
        return bool(key(BIDS, bids - 1) >= -key(ASKS, asks - 1))

    @property
    def anomalies(self) -> BookAnomalies:
        """How often events did not fit."""
        totals = self._state.totals[0]
        return BookAnomalies(*(int(totals[name]) for name in BookAnomalies._fields))

    def holds(self, order_id: int) -> bool:
        """Whether the order rests in the book."""
        return bool(find_slot(self._state.table, np.uint64(order_id)) != NOWHERE)

    def check(self) -> None:
        """Go through the whole book and compare every kept sum, link and order of things.

        Raises:
            BookError: naming the first thing that does not hold.
        """
        check_state(self._state)
