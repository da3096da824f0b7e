"""The decimals of an instrument: told by the server, or learned from its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Protocol

from market_depth.protocol.messages import Number

__all__ = ["Priced", "Scale"]

_MAX_DECIMALS: Final = 15
"""Digits that a double is sure to hold; a number that needs more is no decimal number."""


class Priced(Protocol):
    """What has a price and a quantity: a row of a view, a trade."""

    @property
    def price(self) -> Number:
        """As the message has it."""
        ...

    @property
    def quantity(self) -> Number:
        """Likewise."""
        ...


class Scale:
    """The decimals of an instrument.

    Args:
        price_decimals: of its prices.
        quantity_decimals: of its quantities.
    """

    __slots__ = ("_price", "_quantity", "price_decimals", "quantity_decimals")

    def __init__(self, price_decimals: int, quantity_decimals: int) -> None:
        self.price_decimals = price_decimals
        self.quantity_decimals = quantity_decimals
        self._price: int = 10**price_decimals
        self._quantity: int = 10**quantity_decimals

    def price_units(self, number: Number) -> int:
        """Return a price as a count of its last decimal."""
        return round(number * self._price)

    def quantity_units(self, number: Number) -> int:
        """Return a quantity as a count of its last decimal."""
        return round(number * self._quantity)

    def price(self, units: float) -> float:
        """Return a count of the last decimal as a price."""
        return units / self._price

    def quantity(self, units: int) -> float:
        """Return a count of the last decimal as a quantity."""
        return units / self._quantity

    def exact_price(self, units: int) -> Decimal:
        """Return a count of the last decimal as a price, with all its decimals."""
        return Decimal(units).scaleb(-self.price_decimals)

    def exact_quantity(self, units: int) -> Decimal:
        """Return a count of the last decimal as a quantity, with all its decimals."""
        return Decimal(units).scaleb(-self.quantity_decimals)

    def widened(self, rows: Iterable[Priced]) -> Scale:
        """Return a scale that has the decimals of all rows as well; itself if it has them."""
        price, quantity = self.price_decimals, self.quantity_decimals
        for row in rows:
            price = _decimals(row.price, price)
            quantity = _decimals(row.quantity, quantity)
        is_same = (price, quantity) == (self.price_decimals, self.quantity_decimals)
        return self if is_same else Scale(price, quantity)


def _decimals(number: Number, at_least: int) -> int:
    """Return how many decimals a number has, but no fewer than *at_least*."""
    for decimals in range(at_least, _MAX_DECIMALS + 1):
        if round(number, decimals) == number:
            return decimals
    return at_least
