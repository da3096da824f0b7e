"""Successive views of a book as the events that lead from one to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from market_depth.events import NO_ORDER_COUNT, Action, Side

__all__ = [
    "Change",
    "Differences",
    "LevelDifferences",
    "OrderDifferences",
    "ViewedLevel",
    "ViewedOrder",
]


class ViewedOrder(NamedTuple):
    """An order as a view shows it."""

    order_id: int
    price: int
    size: int
    ts_event: int
    """When it took its place in the queue, ns since 1970 UTC."""


class ViewedLevel(NamedTuple):
    """A price level as a view shows it."""

    price: int
    size: int
    order_count: int | None


class Change(NamedTuple):
    """What becomes an event."""

    action: Action
    side: Side
    order_id: int
    price: int
    size: int
    ts_event: int | None = None
    """`None` for the view's own time."""


class Differences(Protocol):
    """Leads a book from view to view."""

    def changes(self, bids: Sequence[Any], asks: Sequence[Any]) -> Iterator[Change]:
        """Yield what makes the book that of the last view the one of this view."""
        ...


class OrderDifferences:
    """Leads a book of orders from view to view, queue priority kept."""

    def __init__(self) -> None:
        self._sides: dict[Side, dict[int, list[ViewedOrder]]] = {Side.BID: {}, Side.ASK: {}}

    def changes(self, bids: Sequence[ViewedOrder], asks: Sequence[ViewedOrder]) -> Iterator[Change]:
        """Yield cancels of what has gone, then what makes each queue the one in view.

        In each queue the orders that may have stayed where they were are left alone; from the first
        one on that can't have, each goes to the back in its turn.

        Args:
            bids: best price first, then in queue priority.
            asks: likewise.
        """
        views = {Side.BID: bids, Side.ASK: asks}
        resting = {
            side: {row.order_id: row for queue in queues.values() for row in queue}
            for side, queues in self._sides.items()
        }
        for side, view in views.items():
            seen = {row.order_id for row in view}
            for row in resting[side].values():
                if row.order_id not in seen:
                    yield Change(Action.CANCEL, side, row.order_id, row.price, row.size)
        for side, view in views.items():
            queues = {price: list(rows) for price, rows in groupby(view, lambda row: row.price)}
            for price, queue in queues.items():
                before = self._sides[side].get(price, ())
                yield from _queue_changes(side, before, queue, resting[side])
            self._sides[side] = queues


def _queue_changes(
    side: Side,
    before: Sequence[ViewedOrder],
    queue: Sequence[ViewedOrder],
    resting: Mapping[int, ViewedOrder],
) -> Iterator[Change]:
    stays = _staying(before, queue)
    for row in queue[:stays]:
        less = resting[row.order_id].size - row.size
        if less:
            yield Change(Action.CANCEL, side, row.order_id, row.price, less)
    for row in queue[stays:]:
        yield from _requeued(side, resting.get(row.order_id), row)


def _staying(before: Sequence[ViewedOrder], queue: Sequence[ViewedOrder]) -> int:
    """Return how many at the head of *queue* stood in this order before, and were no smaller."""
    places = {row.order_id: place for place, row in enumerate(before)}
    last = -1
    for count, row in enumerate(queue):
        place = places.get(row.order_id, -1)
        if place <= last:
            return count
        old = before[place]
        if row.size > old.size or row.ts_event != old.ts_event:
            return count
        last = place
    return len(queue)


def _requeued(side: Side, old: ViewedOrder | None, row: ViewedOrder) -> Iterator[Change]:
    """Yield what puts an order at the back of its queue."""
    action = Action.ADD
    if old is not None:
        if old.price != row.price or row.size > old.size:
            action = Action.MODIFY
        else:  # a MODIFY would leave it where it is
            yield Change(Action.CANCEL, side, old.order_id, old.price, old.size)
    yield Change(action, side, row.order_id, row.price, row.size, row.ts_event)


class LevelDifferences:
    """Leads a book of price levels from view to view."""

    def __init__(self) -> None:
        self._sides: dict[Side, dict[int, ViewedLevel]] = {Side.BID: {}, Side.ASK: {}}

    def changes(self, bids: Sequence[ViewedLevel], asks: Sequence[ViewedLevel]) -> Iterator[Change]:
        """Yield the levels that have gone, then those that are new or have changed."""
        for side, view in ((Side.BID, bids), (Side.ASK, asks)):
            before = self._sides[side]
            after = {row.price: row for row in view}
            for price in before:
                if price not in after:
                    yield Change(Action.LEVEL, side, 0, price, 0)
            for price, row in after.items():
                if before.get(price) != row:
                    count = NO_ORDER_COUNT if row.order_count is None else row.order_count
                    yield Change(Action.LEVEL, side, count, price, row.size)
            self._sides[side] = after
