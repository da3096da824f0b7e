"""Order books in their venue's own digits, by which a venue's checksum can be formed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Final, TypeAlias
from zlib import crc32

from market_depth.errors import FeedError, quoted
from market_depth.feeds.venues.base import LevelRows

__all__ = [
    "Change",
    "Fragment",
    "TextBook",
    "TextSide",
    "interleaved_crc32",
    "parse_rows",
    "priced_fragment",
]

Change: TypeAlias = tuple[Decimal, bool, Sequence[str]]
"""Of one level: its price, whether it is to be removed, the row that says so."""
Fragment: TypeAlias = Callable[[str, str], str]
"""Makes what a level's price and size give to the checksum."""

_NEGATED: Final = Decimal.copy_negate  # exact, unlike `-`


def parse_rows(rows: LevelRows) -> list[Change]:
    """Return the changes that rows of price and absolute new size make.

    Raises:
        FeedError: if one has something else, or a negative size.
    """
    changes = []
    for row in rows:
        size = row[1]
        try:
            price = Decimal(row[0])
            if size[:1] != "0" and size.replace(".", "", 1).isdecimal():
                is_removal = False
            else:
                number = Decimal(size)
                if not number.is_finite() or number < 0:
                    raise _no_level(row)
                is_removal = not number
        except ArithmeticError:
            raise _no_level(row) from None
        if not price.is_finite():
            raise _no_level(row)
        changes.append((price, is_removal, row))
    return changes


def _no_level(row: Sequence[str]) -> FeedError:
    return FeedError(f"price {quoted(row[0])} with size {quoted(row[1])} is no level of a book")


class TextSide:
    """One side of a book, best level first.

    Args:
        is_bids: whether the highest price is the best.
        fragment: what a level gives to the checksum.
    """

    __slots__ = ("_fragment", "_is_bids", "_keys", "fragments", "rows", "unchanged")

    def __init__(self, is_bids: bool, fragment: Fragment) -> None:
        self.rows: list[Sequence[str]] = []
        """(price, size, …) of each level as it was sent last."""
        self.fragments: list[str] = []
        """Of each level."""
        self.unchanged = 0
        """How many of the best levels have been left alone since this was set last."""
        self._keys: list[Decimal] = []  # of each level: the price, of bids its negative
        self._is_bids = is_bids
        self._fragment = fragment

    def apply(self, changes: list[Change]) -> None:
        """Give levels their new sizes."""
        keys, rows, fragments = self._keys, self.rows, self.fragments
        is_bids, fragment = self._is_bids, self._fragment
        for price, is_removal, row in changes:
            key = _NEGATED(price) if is_bids else price
            at = bisect_left(keys, key)
            is_known = at < len(keys) and keys[at] == key
            if is_removal:
                if not is_known:
                    continue
                del keys[at], rows[at], fragments[at]
            elif is_known:
                rows[at] = row
                fragments[at] = fragment(row[0], row[1])
            else:
                keys.insert(at, key)
                rows.insert(at, row)
                fragments.insert(at, fragment(row[0], row[1]))
            if at < self.unchanged:
                self.unchanged = at

    def cut(self, depth: int) -> list[tuple[str, str]]:
        """Drop the levels behind the best *depth*; return the rows that remove them."""
        dropped = [(row[0], "0") for row in self.rows[depth:]]
        del self._keys[depth:], self.rows[depth:], self.fragments[depth:]
        return dropped


class TextBook:
    """Both sides of a book.

    Args:
        fragment: what a level gives to the checksum.
    """

    __slots__ = ("asks", "bids", "checksum")

    def __init__(self, fragment: Fragment) -> None:
        self.bids: Final = TextSide(True, fragment)
        self.asks: Final = TextSide(False, fragment)
        self.checksum: int | None = None
        """Formed last."""


def priced_fragment(price: str, size: str) -> str:
    """Return "100.5:2", the fragment that `interleaved_crc32` wants."""
    return f"{price}:{size}"


def interleaved_crc32(book: TextBook, levels: int) -> int:
    """Return the CRC-32 of the best bid, the best ask, the second bid, … with ":" between.

    Args:
        book: with fragments by `priced_fragment`.
        levels: how many of each side count; where a side has fewer, the other goes on alone.
    """
    bids = book.bids.fragments[:levels]
    asks = book.asks.fragments[:levels]
    both = min(len(bids), len(asks))
    parts = chain(chain.from_iterable(zip(bids, asks, strict=False)), bids[both:], asks[both:])
    return crc32(":".join(parts).encode())
