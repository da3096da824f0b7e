"""A book as text, and beside it what it was expected to be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, NamedTuple, TypeAlias

from market_depth.book import OrderBook
from market_depth.instruments import Instrument, format_units
from market_depth.verify.findings import Check
from market_depth.views import UNKNOWN

__all__ = [
    "Level",
    "Sides",
    "best_levels",
    "book_lines",
    "check_sides",
    "first_difference",
    "lines_of",
]

_SHOWN_LEVELS: Final = 5
_BEFORE: Final = 2
"""Levels shown in front of one that differs further down."""


class Level(NamedTuple):
    """A price level; counts of the instrument's last decimals."""

    price: int
    size: int
    orders: int = UNKNOWN


class Sides(NamedTuple):
    """The best levels of a book, best first."""

    bids: Sequence[Level]
    asks: Sequence[Level]


_Row: TypeAlias = Level | None


def best_levels(book: OrderBook, levels: int) -> Sides:
    """Return the best levels of a book."""
    view = book.mbp(levels, 0)
    columns = ["price", "size", "order_count"]
    bids, asks = view.bids[columns].tolist(), view.asks[columns].tolist()
    return Sides([Level(*row) for row in bids], [Level(*row) for row in asks])


def first_difference(found: Sides, expected: Sides) -> tuple[str, int] | None:
    """Return the side ("bid") and the place of the first level that differs, `None` if none does.

    Order counts are compared where both are told.
    """
    for side, ours, theirs in (
        ("bid", found.bids, expected.bids),
        ("ask", found.asks, expected.asks),
    ):
        for place, (one, other) in enumerate(zip_longest(ours, theirs)):
            if not _are_same(one, other):
                return side, place
    return None


def _are_same(one: _Row, other: _Row) -> bool:
    if one is None or other is None:
        return one is other
    is_counted = UNKNOWN not in (one.orders, other.orders)
    return one[:2] == other[:2] and (not is_counted or one.orders == other.orders)


def book_lines(instrument: Instrument, found: Sides, expected: Sides | None = None) -> list[str]:
    """Return some levels of a book in lines, with what was expected of them beside.

    The best levels are shown, or those around the first difference if it lies behind them. A level
    that differs is marked.
    """
    at = first_difference(found, expected) if expected is not None else None
    start = at[1] - _BEFORE if at is not None and at[1] >= _SHOWN_LEVELS else 0
    end = start + _SHOWN_LEVELS
    heads = ["", "bids", "asks"]
    if expected is not None:
        heads = ["", "bids", "expected", "", "asks", "expected", ""]
    table = [heads]
    for place in range(start, end):
        row = [str(place + 1)]
        for ours, theirs in zip(found, expected or (None, None), strict=True):
            one = ours[place] if place < len(ours) else None
            row.append(_text(one, instrument))
            if theirs is not None:
                other = theirs[place] if place < len(theirs) else None
                row += [_text(other, instrument), "" if _are_same(one, other) else "≠"]
        table.append(row)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def check_sides(
    check: Check,
    instrument: Instrument,
    found: Sides,
    expected: Sides,
    *,
    place: str,
    told_by: str,
) -> None:
    """Count whether a book's best levels are as expected.

    Args:
        check: what is found is put there.
        instrument: whose book it is.
        found: the book's levels.
        expected: what they should be.
        place: where that is, for a report.
        told_by: who says what they should be.
    """
    difference = first_difference(found, expected)
    if difference is None:
        check.passes()
        return
    side, level = difference
    check.fails(
        f"{place}: {instrument.symbol}: {side} level {level + 1} is not what {told_by} tells",
        lambda: book_lines(instrument, found, expected),
    )


def lines_of(instrument: Instrument, book: OrderBook) -> list[str]:
    """Return the best levels of a book in lines."""
    return book_lines(instrument, best_levels(book, _SHOWN_LEVELS))


def _text(level: _Row, instrument: Instrument) -> str:
    if level is None:
        return "–"
    price = format_units(level.price, instrument.price_decimals)
    size = format_units(level.size, instrument.quantity_decimals)
    return f"{price} × {size}" + (f" in {level.orders}" if level.orders != UNKNOWN else "")
