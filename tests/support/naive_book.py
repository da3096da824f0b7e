"""A plain order book of dicts and lists: the oracle of `market_depth.book.OrderBook`.

It is as slow as it is simple. A side is a dict from price to its queue; a queue is a list of
orders in priority. Levels of feeds without orders are in dicts of their own. Everything that a
view shows is worked out anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from market_depth.book import BookAnomalies, BookPolicy, DuplicateAdd, UnknownModify
from market_depth.events import NO_ORDER_COUNT, Action, Side
from market_depth.views import UNKNOWN
from support.flow import Event

LevelRow = tuple[int, int, int, int, int]
"""price, size, total size, order count, mean age in ms"""
OrderRow = tuple[int, int, int, int, int]
"""order id, price, size, ts_event, age in ms"""

LOWEST_PRICE = -(2**63) + 1
HIGHEST_PRICE = 2**63 - 2
DEFAULT_POLICY = BookPolicy()


@dataclass(slots=True, eq=False)
class Order:
    order_id: int
    side: int
    price: int
    size: int
    ts_event: int


@dataclass(slots=True)
class SetLevel:
    size: int
    order_count: int


class NaiveBook:
    """The same rules as `OrderBook`, one after the other."""

    def __init__(self, policy: BookPolicy = DEFAULT_POLICY) -> None:
        self.policy = policy
        self.sequence = 0
        self.trade_count = 0
        self.orders: dict[int, Order] = {}
        self.queues: dict[int, dict[int, list[Order]]] = {Side.BID: {}, Side.ASK: {}}
        self.set_levels: dict[int, dict[int, SetLevel]] = {Side.BID: {}, Side.ASK: {}}
        self.counts = dict.fromkeys(BookAnomalies._fields, 0)

    @property
    def anomalies(self) -> BookAnomalies:
        return BookAnomalies(**self.counts)

    def apply(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._changed_by(event):
                self.sequence += 1

    def _changed_by(self, event: Event) -> bool:
        """Apply one event; return whether the book changed."""
        match event.action:
            case Action.ADD:
                return self._add(event, self.policy.duplicate_add)
            case Action.CANCEL:
                return self._cancel(event)
            case Action.MODIFY:
                return self._modify(event)
            case Action.LEVEL:
                return self._set_level(event)
            case Action.CLEAR:
                self.orders.clear()
                for side in (Side.BID, Side.ASK):
                    self.queues[side].clear()
                    self.set_levels[side].clear()
                return True
            case Action.TRADE:
                self.trade_count += 1
                return False
            case Action.FILL | Action.NONE:
                return False
        return self._odd("invalid_events")

    def _add(self, event: Event, duplicate_add: DuplicateAdd) -> bool:
        if not _can_rest(event):
            return self._odd("invalid_events")
        if any(self.set_levels.values()):
            return self._odd("mixed_events")
        if event.order_id in self.orders:
            self._odd("duplicate_adds")
            if duplicate_add is DuplicateAdd.IGNORE:
                return False
            self._remove(self.orders[event.order_id])
        self._enqueue(Order(event.order_id, event.side, event.price, event.size, event.ts_event))
        return True

    def _cancel(self, event: Event) -> bool:
        order = self.orders.get(event.order_id)
        if order is None:
            return self._odd("unknown_cancels")
        if event.size > order.size:
            self._odd("oversized_cancels")
        if event.size == 0 or event.size >= order.size:
            self._remove(order)
        else:
            order.size -= event.size
        return True

    def _modify(self, event: Event) -> bool:
        order = self.orders.get(event.order_id)
        if order is None:
            self._odd("unknown_modifies")
            if self.policy.unknown_modify is UnknownModify.IGNORE:
                return False
            return self._add(event, DuplicateAdd.REPLACE)
        if event.size == 0:
            self._remove(order)
            return True
        if not _can_rest(event):
            return self._odd("invalid_events")
        stays = (event.side, event.price) == (order.side, order.price)
        if stays and event.size <= order.size:
            order.size = event.size
        else:
            self._remove(order)
            self._enqueue(
                Order(event.order_id, event.side, event.price, event.size, event.ts_event)
            )
        return True

    def _set_level(self, event: Event) -> bool:
        if event.size != 0 and not _can_rest(event):
            return self._odd("invalid_events")
        if self.orders:
            return self._odd("mixed_events")
        if event.size > 0:
            count = UNKNOWN if event.order_id == NO_ORDER_COUNT else event.order_id
            self.set_levels[event.side][event.price] = SetLevel(event.size, count)
            return True
        if event.price not in self.set_levels.get(event.side, {}):
            return self._odd("unknown_cancels")
        del self.set_levels[event.side][event.price]
        return True

    def _enqueue(self, order: Order) -> None:
        self.orders[order.order_id] = order
        self.queues[order.side].setdefault(order.price, []).append(order)

    def _remove(self, order: Order) -> None:
        del self.orders[order.order_id]
        queue = self.queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]

    def _odd(self, name: str) -> bool:
        self.counts[name] += 1
        return False

    def prices(self, side: int) -> list[int]:
        """Return the prices of a side, best first."""
        return sorted({**self.queues[side], **self.set_levels[side]}, reverse=side == Side.BID)

    def depth(self, side: int) -> int:
        return len(self.queues[side]) + len(self.set_levels[side])

    def queue(self, side: int, price: int) -> list[Order]:
        """Return the orders of a price level in priority."""
        return self.queues[side][price]

    @property
    def is_crossed_or_locked(self) -> bool:
        bids, asks = self.prices(Side.BID), self.prices(Side.ASK)
        return bool(bids and asks) and bids[0] >= asks[0]

    def mbp(self, levels: int, now_ns: int) -> tuple[list[LevelRow], list[LevelRow]]:
        return self._levels(Side.BID, levels, now_ns), self._levels(Side.ASK, levels, now_ns)

    def mbo(self, levels: int, now_ns: int) -> tuple[list[OrderRow], list[OrderRow]]:
        return self._orders(Side.BID, levels, now_ns), self._orders(Side.ASK, levels, now_ns)

    def bbo(self, now_ns: int) -> tuple[list[LevelRow], list[LevelRow]]:
        return self.mbp(1, now_ns)

    def _levels(self, side: int, levels: int, now_ns: int) -> list[LevelRow]:
        rows = []
        total = 0
        for price in self.prices(side)[:levels]:
            age_ms = UNKNOWN
            if queue := self.queues[side].get(price, []):
                size = sum(order.size for order in queue)
                count = len(queue)
                age_ms = mean_age_ms(queue, now_ns)
            else:
                size = self.set_levels[side][price].size
                count = self.set_levels[side][price].order_count
            total += size
            rows.append((price, size, total, count, age_ms))
        return rows

    def _orders(self, side: int, levels: int, now_ns: int) -> list[OrderRow]:
        return [
            (
                order.order_id,
                price,
                order.size,
                order.ts_event,
                max((now_ns - order.ts_event) // 1_000_000, 0),
            )
            for price in self.prices(side)[:levels]
            for order in self.queues[side].get(price, [])
        ]


def mean_age_ms(queue: list[Order], now_ns: int) -> int:
    """Return the mean age of orders; times count in µs, the mean is rounded down."""
    ages_us = len(queue) * (now_ns // 1000) - sum(order.ts_event // 1000 for order in queue)
    return max(ages_us // len(queue) // 1000, 0)


def _can_rest(event: Event) -> bool:
    has_side = event.side in (Side.BID, Side.ASK)
    return has_side and event.size > 0 and LOWEST_PRICE <= event.price <= HIGHEST_PRICE
