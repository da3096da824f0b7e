"""The kernel that applies events to a book.

Measured with `benchmarks/bench_book.py`; what an event costs is mostly cache misses: one for
the slot of the table, one for the order, one for the level.
"""

from __future__ import annotations

import numpy as np

from market_depth.book.queues import (
    add_order,
    clear_book,
    find_level,
    remove_level,
    remove_order,
    requeue_order,
    resize_order,
    set_level,
)
from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState
from market_depth.book.table import find_slot
from market_depth.events import Action, BookStatus, Events, Side, StatusReason
from market_depth.jit import inlined_kernel, int64, kernel
from market_depth.views import UNKNOWN

__all__ = ["apply_event", "apply_events"]

_ADD = int(Action.ADD)
_CANCEL = int(Action.CANCEL)
_MODIFY = int(Action.MODIFY)
_CLEAR = int(Action.CLEAR)
_TRADE = int(Action.TRADE)
_FILL = int(Action.FILL)
_LEVEL = int(Action.LEVEL)
_STATUS = int(Action.STATUS)
_NONE = int(Action.NONE)
_BID = int(Side.BID)
_ASK = int(Side.ASK)
_WAITING = int(BookStatus.WAITING)
_LIVE = int(BookStatus.LIVE)
_STATUSES = len(BookStatus)
_REASONS = len(StatusReason)
_MOST_ORDERS = np.uint64(2**63 - 1)
"""A LEVEL with more orders than this, NO_ORDER_COUNT among them, has an unknown number."""
_UNDEFINED_PRICE = 2**63 - 1
_LOWEST_PRICE = -(2**63) + 1


@kernel
def book_side(side: int) -> int:
    """Return the book's side of an event's `side`, NOWHERE if it has none."""
    if side == _BID:
        return BIDS
    return ASKS if side == _ASK else NOWHERE


@kernel
def can_rest(side: int, price: int, size: int) -> bool:
    """Whether an order or level like this can be in a book at all."""
    return side != NOWHERE and size > 0 and _LOWEST_PRICE <= price < _UNDEFINED_PRICE


@kernel
def apply_add(
    state: BookState,
    order_id: np.uint64,
    side: int,
    price: int,
    size: int,
    ts_event: int,
    replace_duplicate: bool,
) -> bool:
    """Apply an ADD; return whether the book changed."""
    totals = state.totals[0]
    if not can_rest(side, price, size):
        totals.invalid_events += 1
        return False
    if totals.orders == 0 and totals.levels > 0:
        totals.mixed_events += 1
        return False
    slot = find_slot(state.table, order_id)
    if slot != NOWHERE:
        totals.duplicate_adds += 1
        if not replace_duplicate:
            return False
        remove_order(state, slot)
    add_order(state, order_id, side, price, size, ts_event)
    return True


@kernel
def apply_cancel(state: BookState, order_id: np.uint64, size: int) -> bool:
    """Apply a CANCEL; return whether the book changed."""
    totals = state.totals[0]
    if size < 0:
        totals.invalid_events += 1
        return False
    slot = find_slot(state.table, order_id)
    if slot == NOWHERE:
        totals.unknown_cancels += 1
        return False
    order = state.table[slot].order
    resting = state.orders[order].size
    if 0 < size < resting:
        resize_order(state, order, resting - size)
    else:
        if size > resting:
            totals.oversized_cancels += 1
        remove_order(state, slot)
    return True


@kernel
def apply_modify(
    state: BookState,
    order_id: np.uint64,
    side: int,
    price: int,
    size: int,
    ts_event: int,
    add_unknown: bool,
) -> bool:
    """Apply a MODIFY; return whether the book changed."""
    totals = state.totals[0]
    slot = find_slot(state.table, order_id)
    if slot == NOWHERE:
        totals.unknown_modifies += 1
        if not add_unknown:
            return False
        return apply_add(state, order_id, side, price, size, ts_event, True)
    if size == 0:
        remove_order(state, slot)
        return True
    if not can_rest(side, price, size):
        totals.invalid_events += 1
        return False
    order = state.table[slot].order
    record = state.orders[order]
    level = state.levels[record.level]
    if level.price == price and level.side == side and size <= record.size:
        resize_order(state, order, size)
    else:
        requeue_order(state, order, side, price, size, ts_event)
    return True


@kernel
def apply_level(state: BookState, side: int, price: int, size: int, order_count: np.uint64) -> bool:
    """Apply a LEVEL; return whether the book changed."""
    totals = state.totals[0]
    if size != 0 and not can_rest(side, price, size):
        totals.invalid_events += 1
        return False
    if totals.orders > 0:
        totals.mixed_events += 1
        return False
    if size > 0:
        count = int64(order_count) if order_count <= _MOST_ORDERS else UNKNOWN
        set_level(state, side, price, size, count)
        return True
    place = NOWHERE if side == NOWHERE else find_level(state, side, price)
    if place == NOWHERE:
        totals.unknown_cancels += 1
        return False
    remove_level(state, place)
    return True


@kernel
def apply_status(state: BookState, status: int, reason: int, ts_event: int) -> None:
    """Apply a STATUS."""
    totals = state.totals[0]
    if not (_WAITING <= status < _STATUSES and 0 <= reason < _REASONS):
        totals.invalid_events += 1
        return
    totals.status = status
    totals.status_reason = reason
    totals.status_ns = ts_event


@inlined_kernel
def apply_event(
    state: BookState, events: Events, place: int, replace_duplicate: bool, add_unknown: bool
) -> None:
    """Apply one event to a book that has room for one more order and level."""
    totals = state.totals[0]
    event = events[place]
    action = int64(event.action)
    side = book_side(int64(event.side))
    changed = False
    if action == _ADD:
        changed = apply_add(
            state, event.order_id, side, event.price, event.size, event.ts_event, replace_duplicate
        )
    elif action == _CANCEL:
        changed = apply_cancel(state, event.order_id, event.size)
    elif action == _MODIFY:
        changed = apply_modify(
            state, event.order_id, side, event.price, event.size, event.ts_event, add_unknown
        )
    elif action == _TRADE:
        totals.trades += 1
    elif action == _LEVEL:
        changed = apply_level(state, side, event.price, event.size, event.order_id)
    elif action == _CLEAR:
        clear_book(state)
        changed = True
    elif action == _STATUS:
        apply_status(state, event.size, event.price, event.ts_event)
    elif action != _FILL and action != _NONE:
        totals.invalid_events += 1
    if changed:
        totals.sequence += 1
        totals.event_ns = event.ts_event
        if totals.status == _WAITING:
            totals.status = _LIVE
            totals.status_ns = event.ts_event


@kernel
def apply_events(
    state: BookState, events: Events, start: int, replace_duplicate: bool, add_unknown: bool
) -> int:
    """Apply *events* from *start* on until they are through or a pool is full.

    Returns:
        The place of the first event that was not applied; the number of events when all were.
    """
    totals = state.totals[0]
    order_room = len(state.orders)
    level_room = len(state.levels)
    for place in range(start, len(events)):
        if totals.orders == order_room or totals.levels == level_room:
            return place
        apply_event(state, events, place, replace_duplicate, add_unknown)
    return len(events)
