"""Which levels have changed just now."""

from __future__ import annotations

from typing import Final

from market_depth.terminal.depth import Depth, View

__all__ = ["Flashes"]

_LASTS_S: Final = 0.35


class Flashes:
    """Compares each book with the one before it. It keeps no more than one book's levels.

    Args:
        lasts_s: how long a change is to be seen.
    """

    __slots__ = ("_before", "_lasts_s", "_sequence", "_until_s", "_view")

    def __init__(self, lasts_s: float = _LASTS_S) -> None:
        self._lasts_s = lasts_s
        self._view: View | None = None
        self._sequence = -1
        self._before: dict[tuple[str, int], tuple[int, int | None]] = {}
        """Quantity and orders by side and price."""
        self._until_s: dict[tuple[str, int], float] = {}

    def take(self, depth: Depth, now_s: float) -> None:
        """Take a book. The first of a view has not changed; nor has what has only come into sight
        behind what was the last level."""
        if depth.view == self._view and depth.sequence == self._sequence:
            return
        found = {
            (side, row.price): (row.quantity, row.orders)
            for side, rows in (("bid", depth.bids), ("ask", depth.asks))
            for row in rows
        }
        until_s: dict[tuple[str, int], float] = {}
        if depth.view == self._view:
            last_bid = min((price for side, price in self._before if side == "bid"), default=0)
            last_ask = max((price for side, price in self._before if side == "ask"), default=0)
            for level, held in found.items():
                side, price = level
                was_seen = price >= last_bid if side == "bid" else price <= last_ask
                if was_seen and self._before.get(level) != held:
                    until_s[level] = now_s + self._lasts_s
                elif level in self._until_s:
                    until_s[level] = self._until_s[level]
        self._view, self._sequence = depth.view, depth.sequence
        self._before, self._until_s = found, until_s

    def at(self, now_s: float) -> set[tuple[str, int]]:
        """Return (side, price) of the levels that are to be seen as changed."""
        for level in [level for level, until_s in self._until_s.items() if until_s <= now_s]:
            del self._until_s[level]
        return set(self._until_s)
