"""The trades that came last, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

from market_depth.client import Scale
from market_depth.protocol.messages import Trade

__all__ = ["Print", "Tape"]

TAPE_LENGTH: Final = 400


class Print(NamedTuple):
    """A line of the tape: a trade, or a number of trades that were missed."""

    time: str
    """RFC 3339."""
    is_buy: bool | None
    """Whether the aggressor has bought; `None` if that is not known."""
    price: int
    """In counts of the last decimal, as is the quantity."""
    quantity: int
    missed: int = 0
    """If not 0, so many trades are not known that were made here; there is nothing else then."""


class Tape:
    """A tape, newest first.

    Args:
        length: lines that are kept; older ones go.
    """

    __slots__ = ("_prints", "version")

    def __init__(self, length: int = TAPE_LENGTH) -> None:
        self._prints: deque[Print] = deque(maxlen=length)
        self.version = 0
        """Another one whenever the tape has changed."""

    def add(self, trades: Iterable[Trade], scale: Scale, received: str, *, missed: int = 0) -> None:
        """Add trades, oldest first, behind a note of those that were missed before them.

        Args:
            trades: as the server tells them.
            scale: the instrument's decimals.
            received: the server's time, for trades whose own is not known.
            missed: how many were missed.
        """
        if missed:
            self._prints.appendleft(Print("", None, 0, 0, missed))
        self._prints.extendleft(
            Print(
                trade.timestamp or received,
                None if trade.side is None else trade.side == "Bid",
                scale.price_units(trade.price),
                scale.quantity_units(trade.quantity),
            )
            for trade in trades
        )
        self.version += 1

    def clear(self) -> None:
        """Forget all of them."""
        self._prints.clear()
        self.version += 1

    def newest(self, count: int) -> tuple[Print, ...]:
        """Return the newest lines, newest first."""
        return tuple(islice(self._prints, count))
