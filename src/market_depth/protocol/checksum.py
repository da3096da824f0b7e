"""The checksum of a view, as the wire contract defines it; plain Python, for whoever checks.

It is the CRC-32 (as in zlib) of an ASCII text: the bids of the best ten price levels, `|`, the asks
of the best ten; rows best first, orders of a level in priority, joined by `,`. A level is
`price:quantity`, an order `order_id:price:quantity`, in counts of the last decimal.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TypeAlias

__all__ = ["CHECKSUM_LEVELS", "LevelKey", "OrderKey", "level_checksum", "order_checksum"]

CHECKSUM_LEVELS = 10
"""Price levels of either side that a checksum covers."""

LevelKey: TypeAlias = tuple[int, int]
"""(price, quantity) of a level."""
OrderKey: TypeAlias = tuple[int | str, int, int]
"""(order id, price, quantity) of an order."""


def level_checksum(bids: Iterable[LevelKey], asks: Iterable[LevelKey]) -> int:
    """Return the checksum of a view by price; rows best first, more than are covered do no harm."""
    return _crc(_covered_levels(bids), _covered_levels(asks))


def order_checksum(bids: Iterable[OrderKey], asks: Iterable[OrderKey]) -> int:
    """Return the checksum of a view by order; rows best price first, then in priority."""
    return _crc(_covered_orders(bids), _covered_orders(asks))


def _crc(bids: Iterable[str], asks: Iterable[str]) -> int:
    return zlib.crc32(f"{','.join(bids)}|{','.join(asks)}".encode())


def _covered_levels(rows: Iterable[LevelKey]) -> Iterator[str]:
    for (price, quantity), _ in zip(rows, range(CHECKSUM_LEVELS), strict=False):
        yield f"{price}:{quantity}"


def _covered_orders(rows: Iterable[OrderKey]) -> Iterator[str]:
    levels = 0
    last_price: int | None = None
    for order_id, price, quantity in rows:
        if price != last_price:
            levels += 1
            last_price = price
        if levels > CHECKSUM_LEVELS:
            return
        yield f"{order_id}:{price}:{quantity}"
