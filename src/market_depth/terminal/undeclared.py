"""Servers that have just the original messages, and do not tell an instrument's decimals.

Without them the client would round prices to whole numbers. Such a server sends whole views only,
with its decimals written out, so that the book is taken from the rows of the last one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from market_depth.client import Book, LevelBook, OrderBook, Scale, Update, UpdateKind
from market_depth.protocol.messages import DataType, Number, SymbolInfo

__all__ = ["ScaleGuess", "undeclared"]


def undeclared(symbol: str) -> SymbolInfo:
    """Return what can be said of a symbol of such a server; a tick of 0 is not known."""
    return SymbolInfo(symbol, 0, 0, 0, [DataType.MBP, DataType.MBO], "Live")


class ScaleGuess:
    """The decimals of what has come so far, by symbol."""

    __slots__ = ("_decimals",)

    def __init__(self) -> None:
        self._decimals: dict[str, tuple[int, int]] = {}

    def of(self, update: Update) -> Scale:
        """Return the decimals of an update's numbers: those that the server has told, if any."""
        told = update.book.scale
        if told.price_decimals or told.quantity_decimals or update.kind is UpdateKind.DELTA:
            return told
        known = self._decimals.get(update.symbol, (0, 0))
        rows = _rows(update)
        found = (
            max(known[0], _decimals(row.price for row in rows)),
            max(known[1], _decimals(row.quantity for row in rows)),
        )
        self._decimals[update.symbol] = found
        return Scale(*found)

    def book_of(self, update: Update) -> Book:
        """Return an update's book, with its decimals."""
        scale = self.of(update)
        if not (scale.price_decimals or scale.quantity_decimals) or scale is update.book.scale:
            return update.book
        book = OrderBook(scale) if isinstance(update.book, OrderBook) else LevelBook(scale)
        book.replace(update.data)
        book.sequence, book.timestamp = update.sequence, update.timestamp
        return book


def _rows(update: Update) -> list[Any]:
    if update.kind is UpdateKind.TRADES:
        return list(update.data.trades)
    return [*update.data.bids, *update.data.asks]


def _decimals(numbers: Iterable[Number]) -> int:
    """Return how many decimals the numbers have that have most."""
    most = 0
    for number in numbers:
        exponent = Decimal(repr(number)).normalize().as_tuple().exponent
        most = max(most, -exponent if isinstance(exponent, int) else 0)
    return most
