"""A book as rows of a ladder: price levels, merged into steps where that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from market_depth.client import Level, Order

__all__ = [
    "AGES_S",
    "Queued",
    "Row",
    "age_class",
    "largest",
    "level_rows",
    "next_step",
    "order_rows",
    "steps_of",
]

AGES_S: Final = (1.0, 10.0, 60.0, 600.0)
"""Where the classes of age end, in seconds; the last has no end."""
_MAX_STEP_TICKS: Final = 500_000
_MANTISSAS: Final = (1, 2, 5)


class Queued(NamedTuple):
    """An order in its queue."""

    quantity: int
    """In counts of the last decimal."""
    age: int
    """Its class of age: 0 is the youngest, len(AGES_S) the oldest."""


class Row(NamedTuple):
    """A price level as it is shown; prices and quantities in counts of the last decimal."""

    price: int
    quantity: int
    orders: int | None
    """How many; `None` where the feed does not report them."""
    total: int
    """What it holds together with all better ones."""
    queue: tuple[Queued, ...] = ()
    """Its orders in priority, if the book has them."""


def level_rows(levels: Iterable[Level]) -> list[Row]:
    """Return the rows of one side of a book by price, best first."""
    rows: list[Row] = []
    total = 0
    for level in levels:
        total += level.quantity_units
        rows.append(Row(level.price_units, level.quantity_units, level.order_count, total))
    return rows


def order_rows(
    orders: Iterable[Order], *, step: int, is_bid: bool, now: str, is_cut: bool
) -> list[Row]:
    """Return the rows of one side of a book by order, best first.

    Args:
        orders: best price first, then in priority.
        step: what prices are merged into, in counts of the last decimal: bids belong to the step at
            or below, asks to the one at or above.
        is_bid: which side it is.
        now: the market's own time, RFC 3339, which ages are told against.
        is_cut: whether the side goes on behind its last level, so that a merged last row would lack
            something: that one is left out.
    """
    age_of = _ages(now)
    rows: list[Row] = []
    total = quantity = 0
    queue: list[Queued] = []
    price: int | None = None
    for order in orders:
        merged = _merged(order.price_units, step, is_bid)
        if merged != price:
            if price is not None:
                rows.append(Row(price, quantity, len(queue), total, tuple(queue)))
            price, quantity, queue = merged, 0, []
        quantity += order.quantity_units
        total += order.quantity_units
        queue.append(Queued(order.quantity_units, age_of(order.timestamp)))
    if price is not None and not (is_cut and step > 1 and rows):
        rows.append(Row(price, quantity, len(queue), total, tuple(queue)))
    return rows


def age_class(age_s: float) -> int:
    """Return the class of an age, 0 for the youngest."""
    return sum(age_s >= end for end in AGES_S)


def next_step(step: int, direction: int) -> int:
    """Return the next step to merge levels into, in ticks, of 1, 2, 5, 10, 20, 50 and so on.

    Args:
        step: the present one, which need not be one of these.
        direction: 1 for the next larger, -1 for the next smaller one; at an end there is none.
    """
    steps = [mantissa * 10**power for power in range(6) for mantissa in _MANTISSAS]
    if direction > 0:
        return next((each for each in steps if each > step), max(step, _MAX_STEP_TICKS))
    return next((each for each in reversed(steps) if each < step), 1)


def steps_of(group: str, tick_size: Decimal) -> int | None:
    """Return a price step such as 0.50 in ticks, `None` if it is no multiple of the tick."""
    try:
        ticks = Decimal(group) / tick_size
    except ArithmeticError:
        return None
    if not ticks.is_finite() or ticks < 1 or ticks != int(ticks):
        return None
    return int(ticks)


def largest(*sides: Sequence[Row]) -> int:
    """Return the largest quantity in any row, 0 if there is none."""
    return max((row.quantity for side in sides for row in side), default=0)


def _merged(price: int, step: int, is_bid: bool) -> int:
    return price // step * step if is_bid else -(-price // step) * step


def _ages(now: str) -> Callable[[str], int]:
    """Return what tells the class of age of an order by its timestamp."""
    if not now:
        return lambda _: 0
    present = datetime.fromisoformat(now)

    def age_of(timestamp: str) -> int:
        return age_class((present - datetime.fromisoformat(timestamp)).total_seconds())

    return age_of
