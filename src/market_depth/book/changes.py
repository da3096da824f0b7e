"""Kernels that tell how a view differs from an earlier one.

Both are sorted, so the levels of two views are merged in one pass; within a level that both have,
orders keep their sequence unless they go to its back, so another pass tells which have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market_depth.book.state import NOWHERE, empty_table
from market_depth.book.table import find_slot, insert_order
from market_depth.jit import inlined_kernel, kernel
from market_depth.views import LEVEL_DTYPE, ORDER_CHANGE_DTYPE, Changes, OrderAction, Rows, View

__all__ = ["level_changes", "order_changes"]

_CANCEL = int(OrderAction.CANCEL)
_UPDATE = int(OrderAction.UPDATE)
_REQUEUE = int(OrderAction.REQUEUE)
_ADD = int(OrderAction.ADD)

_BID_SIGN = 1
_ASK_SIGN = -1
"""What makes a larger price the better one."""


@inlined_kernel
def write_removal(out: Rows, at: int, price: int) -> None:
    """Tell that a level is gone."""
    row = out[at]
    row.price = price
    row.size = 0
    row.total_size = 0
    row.order_count = 0
    row.mean_age_ms = 0


@kernel
def compare_levels(old: Rows, new: Rows, sign: int, out: Rows) -> int:
    """Write the levels of one side that are not as they were; return how many."""
    count = 0
    before = 0
    after = 0
    while before < len(old) or after < len(new):
        old_is_better = before < len(old) and (
            after == len(new) or sign * old[before].price > sign * new[after].price
        )
        if old_is_better:
            write_removal(out, count, old[before].price)
            before += 1
            count += 1
            continue
        is_same = False
        if before < len(old) and old[before].price == new[after].price:
            is_same = (
                old[before].size == new[after].size
                and old[before].order_count == new[after].order_count
            )
            before += 1
        if not is_same:
            out[count] = new[after]
            count += 1
        after += 1
    return count


@kernel
def compare_both_sides(
    old_bids: Rows, old_asks: Rows, new_bids: Rows, new_asks: Rows, bids: Rows, asks: Rows
) -> tuple[int, int]:
    """Compare two views by price, side by side, in one call."""
    return (
        compare_levels(old_bids, new_bids, _BID_SIGN, bids),
        compare_levels(old_asks, new_asks, _ASK_SIGN, asks),
    )


def level_changes(old: View, new: View) -> Changes:
    """Return which levels of *new*, rows of `LEVEL_DTYPE`, are not as they were in *old*."""
    bids = np.empty(len(old.bids) + len(new.bids), LEVEL_DTYPE)
    asks = np.empty(len(old.asks) + len(new.asks), LEVEL_DTYPE)
    bid_count, ask_count = compare_both_sides(*old, *new, bids, asks)
    return Changes(bids[:bid_count], asks[:ask_count])


@kernel
def find_kept(old: Rows, new: Rows, sign: int, kept: NDArray[np.int32]) -> None:
    """Find for each order of *new* its place in *old*, NOWHERE if it stands in its queue behind
    where it stood, or was not there.

    Orders of a queue that are none such come first in it, in the sequence that they had.
    """
    before = 0
    after = 0
    while after < len(new):
        price = new[after].price
        while before < len(old) and sign * old[before].price > sign * price:
            before += 1
        place = before
        while after < len(new) and new[after].price == price:
            found = place
            while (
                found < len(old)
                and old[found].price == price
                and (
                    old[found].order_id != new[after].order_id
                    or old[found].ts_event != new[after].ts_event
                )
            ):
                found += 1
            if found < len(old) and old[found].price == price:
                kept[after] = found
                place = found + 1
                after += 1
                continue
            while after < len(new) and new[after].price == price:
                kept[after] = NOWHERE
                after += 1


@kernel
def compare_orders(
    old: Rows,
    new: Rows,
    sign: int,
    kept: NDArray[np.int32],
    table: NDArray[np.void],
    out: Rows,
) -> int:
    """Write what has happened to the orders of one side; return how much.

    Args:
        old: the side as it was.
        new: the side as it is.
        sign: 1 for bids, -1 for asks.
        kept: room for as many places as *new* has rows.
        table: an empty table with room for the rows of *new*.
        out: room for as many changes as both have rows.
    """
    find_kept(old, new, sign, kept)
    moved = 0
    for after in range(len(new)):
        if kept[after] == NOWHERE:
            insert_order(table, new[after].order_id, after)
            moved += 1
    count = 0
    after = 0
    for before in range(len(old)):
        # Those that were kept come in the sequence that they had, whatever stands between.
        while after < len(new) and kept[after] < 0:
            after += 1
        if after < len(new) and kept[after] == before:
            after += 1
            continue
        slot = NOWHERE if moved == 0 else find_slot(table, old[before].order_id)
        if slot == NOWHERE:
            row = out[count]
            row.order_id = old[before].order_id
            row.price = old[before].price
            row.size = 0
            row.ts_event = 0
            row.action = _CANCEL
            count += 1
        else:
            kept[table[slot].order] = NOWHERE - 1
    for after in range(len(new)):
        place = kept[after]
        if place >= 0 and old[place].size == new[after].size:
            continue
        row = out[count]
        row.order_id = new[after].order_id
        row.price = new[after].price
        row.size = new[after].size
        row.ts_event = new[after].ts_event
        row.action = _UPDATE if place >= 0 else (_ADD if place == NOWHERE else _REQUEUE)
        count += 1
    return count


def order_changes(old: View, new: View) -> Changes:
    """Return what has happened to the orders between two views, rows of `ORDER_DTYPE`."""
    return Changes(
        _side_changes(old.bids, new.bids, _BID_SIGN), _side_changes(old.asks, new.asks, _ASK_SIGN)
    )


def _side_changes(old: Rows, new: Rows, sign: int) -> Rows:
    kept = np.empty(len(new), np.int32)
    table = empty_table(1 << (2 * len(new)).bit_length())
    out = np.empty(len(old) + len(new), ORDER_CHANGE_DTYPE)
    return out[: compare_orders(old, new, sign, kept, table, out)]
