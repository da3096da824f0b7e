"""The invariants of a book, looked at one by one; for tests and for doubt, not for speed."""

from __future__ import annotations

import numpy as np

from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState
from market_depth.book.table import find_slot
from market_depth.errors import BookError

__all__ = ["check_state"]

_SIDE_NAMES = {BIDS: "bid", ASKS: "ask"}


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise BookError(f"book invariant broken: {what}")


def _check_side(state: BookState, side: int) -> int:
    """Check one side; return how many orders its queues hold."""
    depth = int(state.depth[side])
    keys = state.keys[side, :depth]
    name = _SIDE_NAMES[side]
    _demand(bool(np.all(keys[1:] > keys[:-1])), f"{name} prices are not strictly sorted")
    held = 0
    for key, place in zip(keys.tolist(), state.places[side, :depth].tolist(), strict=True):
        price = key if side == BIDS else -key
        level = state.levels[place]
        _demand(int(level["price"]) == price, f"{name} {price}: another price in its level")
        _demand(int(level["side"]) == side, f"{name} {price}: level of the other side")
        _demand(int(level["size"]) > 0, f"{name} {price}: size {level['size']}")
        if level["head"] != NOWHERE:
            held += _check_queue(state, place, f"{name} {price}")
    return held


def _check_queue(state: BookState, place: int, name: str) -> int:
    """Check a level's queue and sums; return how many orders it holds."""
    level = state.levels[place]
    size = count = time_us = 0
    previous, order = NOWHERE, int(level["head"])
    while order != NOWHERE:
        record = state.orders[order]
        _demand(int(record["level"]) == place, f"{name}: an order of another level is queued")
        _demand(int(record["previous"]) == previous, f"{name}: a back link is wrong")
        _demand(int(record["size"]) > 0, f"{name}: an order of size {record['size']}")
        slot = int(find_slot(state.table, record["order_id"]))
        _demand(
            slot != NOWHERE and int(state.table[slot]["order"]) == order,
            f"{name}: order {record['order_id']} is not in the table",
        )
        size += int(record["size"])
        time_us += int(record["ts_event"]) // 1000
        count += 1
        _demand(count <= len(state.orders), f"{name}: the queue is a circle")
        previous, order = order, int(record["next"])
    _demand(int(level["tail"]) == previous, f"{name}: the last order is not the tail")
    _demand(int(level["size"]) == size, f"{name}: size {level['size']}, its orders' is {size}")
    _demand(int(level["order_count"]) == count, f"{name}: {count} orders, not counted so")
    wrapped = (int(level["time_sum_us"]) - time_us) % 2**64
    _demand(wrapped == 0, f"{name}: the sum of times is off by {wrapped} µs")
    return count


def check_state(state: BookState) -> None:
    """Compare every sum, link and order of things in *state*.

    Raises:
        BookError: naming the first thing that does not hold.
    """
    totals = state.totals[0]
    held = _check_side(state, BIDS) + _check_side(state, ASKS)
    orders = int(totals["orders"])
    entries = int(np.count_nonzero(state.table["order"] != NOWHERE))
    _demand(held == orders, f"{orders} orders counted, {held} queued")
    _demand(entries == orders, f"{orders} orders counted, {entries} in the table")
    live = int(np.count_nonzero(state.orders["level"][: totals["orders_used"]] != NOWHERE))
    _demand(live == orders, f"{orders} orders counted, {live} in the pool")
    levels = int(state.depth.sum())
    _demand(int(totals["levels"]) == levels, f"{levels} levels, {totals['levels']} counted")
