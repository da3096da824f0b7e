"""A reasonable order book in plain Python, as one would write it: the book benchmark's baseline.

Orders in a dict; a level is a dict of its orders in priority, with its size beside it; prices in
a sorted list per side.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from market_depth.events import Action, Side

__all__ = ["PlainBook"]

PlainEvent = tuple[int, int, int, int, int, int, int, int, int, int]
"""The fields of an event, in the order of `EVENT_DTYPE`."""

_ADD, _CANCEL, _MODIFY, _CLEAR = (
    int(action) for action in (Action.ADD, Action.CANCEL, Action.MODIFY, Action.CLEAR)
)


class _Level:
    __slots__ = ("orders", "size")

    def __init__(self) -> None:
        self.orders: dict[int, int] = {}
        self.size = 0


class PlainBook:
    """Levels with sizes and FIFO queues; no ages."""

    __slots__ = ("_levels", "_orders", "_prices")

    def __init__(self) -> None:
        self._orders: dict[int, tuple[int, int]] = {}
        self._levels: dict[int, dict[int, _Level]] = {Side.BID: {}, Side.ASK: {}}
        self._prices: dict[int, list[int]] = {Side.BID: [], Side.ASK: []}

    def apply(self, events: Iterable[PlainEvent]) -> None:
        """Apply events in order."""
        for _, _, order_id, price, size, _, _, action, side, _ in events:
            if action == _ADD:
                self._add(order_id, side, price, size)
            elif action == _CANCEL:
                self._cancel(order_id, size)
            elif action == _MODIFY:
                self._modify(order_id, price, size)
            elif action == _CLEAR:
                self._clear()

    def _clear(self) -> None:
        self._orders.clear()
        for side in self._levels:
            self._levels[side].clear()
            self._prices[side].clear()

    def _add(self, order_id: int, side: int, price: int, size: int) -> None:
        levels = self._levels[side]
        level = levels.get(price)
        if level is None:
            level = levels[price] = _Level()
            insort(self._prices[side], price)
        level.orders[order_id] = size
        level.size += size
        self._orders[order_id] = (side, price)

    def _cancel(self, order_id: int, size: int) -> None:
        side, price = self._orders[order_id]
        level = self._levels[side][price]
        resting = level.orders[order_id]
        if 0 < size < resting:
            level.orders[order_id] = resting - size
            level.size -= size
            return
        del level.orders[order_id], self._orders[order_id]
        level.size -= resting
        if not level.orders:
            del self._levels[side][price]
            prices = self._prices[side]
            del prices[bisect_left(prices, price)]

    def _modify(self, order_id: int, price: int, size: int) -> None:
        side, old_price = self._orders[order_id]
        level = self._levels[side][old_price]
        resting = level.orders[order_id]
        if price == old_price and size <= resting:
            level.orders[order_id] = size
            level.size += size - resting
        else:
            self._cancel(order_id, 0)
            self._add(order_id, side, price, size)
