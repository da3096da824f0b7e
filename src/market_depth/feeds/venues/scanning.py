"""What is learnt of a venue's instruments before they are played: decimals, ticks, orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, BookStatus, Side, StatusReason
from market_depth.feeds.grids import price_grid
from market_depth.feeds.venues.base import LevelRows, OrderRow
from market_depth.feeds.venues.decimals import DecimalGrid
from market_depth.instruments import Instrument

__all__ = ["DecimalScan"]

_WAITING_ROWS: Final = 65_536
"""Kept of all symbols together, for many at once are read faster."""
_MAX_SYMBOLS: Final = 10_000
"""Each has a book, which takes more memory than the messages that name it."""


class _Found:
    """What is known of a symbol."""

    __slots__ = ("has_orders", "prices", "rows", "sizes")

    def __init__(self) -> None:
        self.prices = DecimalGrid()
        self.sizes = DecimalGrid()
        self.has_orders = False
        self.rows: list[Sequence[str]] = []
        """(price, size, …), not looked at yet."""

    def settle(self) -> None:
        """Look at the rows."""
        self.prices.add([row[0] for row in self.rows])
        self.sizes.add([row[1] for row in self.rows])
        self.rows.clear()


class DecimalScan:
    """A `BookSink` that only learns."""

    is_checking = False

    def __init__(self) -> None:
        self._found: dict[str, _Found] = {}
        self._waiting_rows = 0

    def instruments(self, known: Mapping[str, Instrument]) -> list[Instrument]:
        """Return what has been found, in the order in which it has come up; ids count from 1.

        Args:
            known: instruments by symbol whose decimals and tick are to be used.
        """
        instruments = []
        for instrument_id, (symbol, found) in enumerate(self._found.items(), 1):
            found.settle()
            decimals, tick = price_grid(found.prices.step, found.prices.decimals)
            quantity_decimals = found.sizes.decimals
            if symbol in known:
                decimals, tick = known[symbol].price_decimals, known[symbol].tick_size
                quantity_decimals = known[symbol].quantity_decimals
            instruments.append(
                Instrument(
                    instrument_id=instrument_id,
                    symbol=symbol,
                    price_decimals=decimals,
                    quantity_decimals=quantity_decimals,
                    tick_size=tick,
                    has_orders=found.has_orders,
                    may_cross=False,
                )
            )
        return instruments

    def snapshot(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        """See `BookSink`."""
        self._add(symbol, bids)
        self._add(symbol, asks)

    levels = snapshot

    def orders(
        self,
        symbol: str,
        bids: Sequence[OrderRow],
        asks: Sequence[OrderRow],
        *,
        ts_event: int = 0,
        sequence: int = 0,
    ) -> None:
        """See `BookSink`."""
        for rows in (bids, asks):
            self._add(symbol, [(row.price, row.size) for row in rows])
        self._found[symbol].has_orders = True

    def order(
        self,
        symbol: str,
        action: Action,
        side: Side,
        order_id: int,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        """See `BookSink`."""
        self._add(symbol, ((price, size),))
        self._found[symbol].has_orders = True

    def trade(
        self,
        symbol: str,
        side: Side,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        """See `BookSink`."""
        self._add(symbol, ((price, size),))

    def status(
        self, symbol: str, status: BookStatus, reason: StatusReason, *, ts_event: int = 0
    ) -> None:
        """See `BookSink`."""
        self._add(symbol, ())

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        """Pass over it."""

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        """Pass over it."""

    def _add(self, symbol: str, rows: Sequence[Sequence[str]]) -> None:
        found = self._found.get(symbol)
        if found is None:
            if len(self._found) == _MAX_SYMBOLS:
                raise FeedError(
                    f"more than {_MAX_SYMBOLS} symbols, {quoted(symbol)} being the last"
                )
            found = self._found[symbol] = _Found()
        found.rows.extend(rows)
        self._waiting_rows += len(rows)
        if self._waiting_rows >= _WAITING_ROWS:
            for one in self._found.values():
                one.settle()
            self._waiting_rows = 0
