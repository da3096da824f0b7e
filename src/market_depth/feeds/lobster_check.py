"""Whether a LOBSTER day agrees with itself: row k - 1 of the order book and message k give row k.

What a message does: 1 adds its size at its price; 2 and 4 take it away, 3 takes all of the order
away; 5 (hidden), 6 (cross), 7 (halt) and order id 0 leave the book as it is. So does what happens
behind the last level of a full window. A level that comes into the window because another has gone
is told by no message: it is read from row k, and must lie behind all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from market_depth.feeds.lobster_files import MessageType, day_of, read_day

__all__ = ["LobsterCheck", "check_day"]

_Side: TypeAlias = list[tuple[int, int]]
"""(price, size), best first."""

_ADDS: Final = {MessageType.SUBMISSION}
_TAKES: Final = {MessageType.CANCELLATION, MessageType.DELETION, MessageType.EXECUTION}


class LobsterCheck(NamedTuple):
    """What a check has found."""

    made: int
    """Rows compared: all but the first."""
    passed: int
    first_difference: str | None
    """In one line: which row, what was expected and what is there."""


class _Message(NamedTuple):
    kind: int
    order_id: int
    size: int
    price: int
    direction: int


def check_day(path: Path) -> LobsterCheck:
    """Check a day, told by either of its files.

    Raises:
        FeedError: if a file can't be read to its end.
    """
    day = day_of(path)
    made = passed = 0
    first_difference: str | None = None
    before: tuple[_Side, _Side] | None = None
    for message, row in _steps(path):
        if before is not None:
            made += 1
            difference = _difference(before, message, row, day.levels)
            passed += difference is None
            if difference is not None and first_difference is None:
                first_difference = f"{day.book}: row {made + 1}: {difference}"
        before = row
    return LobsterCheck(made, passed, first_difference)


def _steps(path: Path) -> Iterator[tuple[_Message, tuple[_Side, _Side]]]:
    """Yield each message with the bids and asks after it."""
    for rows in read_day(day_of(path)):
        columns = (rows.kind, rows.order_id, rows.size, rows.price, rows.direction)
        messages = map(_Message._make, zip(*(column.tolist() for column in columns), strict=True))
        for message, prices, sizes in zip(
            messages, rows.prices.tolist(), rows.sizes.tolist(), strict=True
        ):
            levels = list(zip(prices, sizes, strict=True))
            half = len(levels) // 2
            yield (
                message,
                (
                    [level for level in levels[:half] if level[1] > 0],
                    [level for level in levels[half:] if level[1] > 0],
                ),
            )


def _difference(
    before: tuple[_Side, _Side], message: _Message, row: tuple[_Side, _Side], levels: int
) -> str | None:
    """Return how a row differs from what the message makes of the row before, `None` if it
    does not."""
    for place, name in enumerate(("bids", "asks")):
        is_bid = place == 0
        held = before[place]
        is_own = is_bid == (message.direction > 0)
        expected = _after(held, message, is_bid, levels) if is_own else held
        if expected is None:
            return f"{message} takes what is not in the {name} {held}"
        there = row[place]
        uncovered = there[len(expected) :]
        is_good = there[: len(expected)] == expected and _may_uncover(
            uncovered, expected, held, levels, is_bid
        )
        if not is_good:
            return f"{name} are {there}, and {message} makes {expected} of {held}"
    return None


def _may_uncover(uncovered: _Side, expected: _Side, held: _Side, levels: int, is_bid: bool) -> bool:
    """Whether levels may have come into the window: one for one that has gone, if it was full."""
    if not uncovered:
        return True
    may = len(held) == levels and len(expected) == levels - 1 and len(uncovered) == 1
    if not may or not expected:
        return may
    return (uncovered[0][0] < expected[-1][0]) == is_bid


def _after(held: _Side, message: _Message, is_bid: bool, levels: int) -> _Side | None:
    """Return a side after a message about it, `None` if the message does not fit it."""
    adds = message.kind in _ADDS
    if not message.order_id or not (adds or message.kind in _TAKES):
        return held
    sizes = dict(held)
    price = message.price
    is_behind = bool(held) and (price < held[-1][0]) == is_bid and price != held[-1][0]
    if price not in sizes and len(held) == levels and is_behind:
        return held
    size = sizes.get(price, 0) + (message.size if adds else -message.size)
    if size < 0:
        return None
    sizes[price] = size
    best = sorted((level for level in sizes.items() if level[1]), reverse=is_bid)
    return best[:levels]
