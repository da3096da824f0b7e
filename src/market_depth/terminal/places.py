"""Which price stands on which line of the ladder, and how it is scrolled."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from market_depth.settings import RowsMode
from market_depth.terminal.depth import Depth, View
from market_depth.terminal.rows import Row

__all__ = ["Place", "Places"]

_NEAR: Final = 10
"""Levels a side that tell whether a book is sparse,"""
_SPARSE: Final = 3
"""and prices a level from which on it is."""


class Place(NamedTuple):
    """What a line of the ladder shows."""

    side: Literal["bid", "ask", "mid", "price", ""]
    """`price`: one at which nothing rests; "" is an empty line."""
    price: int = 0
    """In counts of the last decimal."""
    row: Row | None = None
    """What rests there."""
    is_best: bool = False


_NOTHING: Final = Place("")
_MID: Final = Place("mid")


class Places:
    """Keeps what stands where from one book to the next.

    With a line for each price these stand still while the market moves, until its mid has left the
    middle half of the ladder. With a line for each level the mid stands still.

    Args:
        mode: what has a line.
    """

    __slots__ = ("_height", "_is_sparse", "_mid", "_mode", "_shift", "_top", "_view")

    def __init__(self, mode: RowsMode = "auto") -> None:
        self._mode = mode
        self._view: View | None = None
        self._is_sparse: bool | None = None
        """Of the view's first whole book."""
        self._height = 0
        self._mid = 0
        """Line of the mid, which may be out of sight."""
        self._shift: int | None = None
        """Lines from the middle down to the mid, once it has been scrolled."""
        self._top: int | None = None
        """Price of the uppermost line, in steps; `None` if it is to be found."""

    def recentre(self) -> None:
        """Have the mid in the middle, and follow the market."""
        self._shift = self._top = None

    @property
    def scrolled(self) -> int | None:
        """Lines by which all has been moved down, so that more asks are seen; `None` while it
        follows the market."""
        return self._shift

    def switch(self, depth: Depth) -> None:
        """Have a line for each level in place of each price, or the other way round."""
        self._mode = "levels" if self._has_each_price(depth) else "prices"
        self.recentre()

    def scroll_by(self, lines: int, depth: Depth) -> None:
        """Move all down by so many lines, up if below 0; the last level stays in sight.

        Args:
            lines: how many.
            depth: what is shown.
        """
        up, down = len(depth.asks), len(depth.bids)
        has_each_price = self._has_each_price(depth)
        if has_each_price:
            above = _above_mid(depth)
            up = depth.asks[-1].price // depth.step - above + 1 if depth.asks else 0
            down = above - depth.bids[-1].price // depth.step if depth.bids else 0
        before = self._mid - self._middle
        after = max(-down, min(before + lines, up))
        self._mid += after - before
        if self._top is not None:
            self._top += after - before
        # By level, with the mid in the middle, it follows the market whether scrolled or not.
        self._shift = after if has_each_price or after else None

    def lines(self, depth: Depth, height: int) -> list[Place]:
        """Return what so many lines show, from the top."""
        if depth.view != self._view:
            self._view, self._is_sparse = depth.view, None
            self.recentre()
        if self._is_sparse is None and min(len(depth.bids), len(depth.asks)) > 1:
            self._is_sparse = _is_sparse(depth)
        if height != self._height:
            self._height = height
            if self._shift is None:
                self.recentre()
        if self._has_each_price(depth):
            return self._by_price(depth)
        self._mid = self._middle + (self._shift or 0)
        return self._by_level(depth)

    @property
    def _middle(self) -> int:
        return (self._height - 1) // 2

    def _has_each_price(self, depth: Depth) -> bool:
        """Whether the prices of a book have a line each; of one that is crossed, or has prices
        between the steps, the levels have."""
        if self._mode == "levels" or (self._mode == "auto" and self._is_sparse is not False):
            return False
        return _is_on_grid(depth)

    def _by_price(self, depth: Depth) -> list[Place]:
        step, above, height = depth.step, _above_mid(depth), self._height
        if self._top is None:
            self._top = above + self._middle + (self._shift or 0) - 1
        self._mid = self._top - above + 1
        if self._shift is not None:
            self._shift = self._mid - self._middle
        elif not height // 4 <= self._mid <= 3 * height // 4:
            self._top += self._middle - self._mid
            self._mid = self._middle
        found = {place.price // step: place for place in _rows_of(depth)}
        lowest, highest = min(found), max(found)
        lines: list[Place] = []
        for line in range(height):
            key = self._top - line + (line > self._mid)
            if line == self._mid:
                lines.append(_MID)
            elif lowest <= key <= highest:
                lines.append(found.get(key) or Place("price", key * step))
            else:
                lines.append(_NOTHING)
        return lines

    def _by_level(self, depth: Depth) -> list[Place]:
        column = _rows_of(depth)
        column.insert(len(depth.asks), _MID)
        first = self._mid - len(depth.asks)
        return [
            column[line - first] if 0 <= line - first < len(column) else _NOTHING
            for line in range(self._height)
        ]


def _rows_of(depth: Depth) -> list[Place]:
    """Return what rests in a book, from the highest price down."""
    asks = [Place("ask", row.price, row, row is depth.asks[0]) for row in reversed(depth.asks)]
    return asks + [Place("bid", row.price, row, row is depth.bids[0]) for row in depth.bids]


def _above_mid(depth: Depth) -> int:
    """Return the lowest price above the mid, in steps; there is a row at least."""
    step = depth.step
    if not depth.bids:
        return depth.asks[0].price // step
    bid = depth.bids[0].price // step
    if not depth.asks:
        return bid + 1
    return -(-(bid + depth.asks[0].price // step) // 2)


def _is_sparse(depth: Depth) -> bool:
    """Return whether lines for each price would mostly be empty."""
    last = min(len(depth.bids), len(depth.asks), _NEAR) - 1
    span = depth.asks[last].price - depth.bids[last].price
    return span > 2 * (last + 1) * _SPARSE * depth.step


def _is_on_grid(depth: Depth) -> bool:
    """Return whether each price is a step of its own, asks above bids."""
    bids, asks = depth.bids, depth.asks
    if not bids and not asks:
        return False
    if bids and asks and bids[0].price >= asks[0].price:
        return False
    return all(row.price % depth.step == 0 for rows in (bids, asks) for row in rows)
