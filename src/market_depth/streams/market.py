"""The books of all symbols, and what is known of their feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Events, by_instrument
from market_depth.instruments import Instrument

__all__ = ["FeedStatus", "Market", "SymbolBook"]


class FeedStatus(Enum):
    """Whether a symbol's book can be trusted now."""

    WAITING = "Waiting"
    """Nothing has come from the feed yet."""
    LIVE = "Live"
    STALE = "Stale"
    """The feed has failed: the book is no longer the market's."""


class SymbolBook:
    """One symbol: its instrument, its book, its status."""

    __slots__ = ("book", "instrument", "status")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = OrderBook()
        self.status = FeedStatus.WAITING


class Market:
    """Every symbol's book.

    Args:
        instruments: what the feed will report; ids and symbols must differ.

    Raises:
        FeedError: if two instruments have one id or one symbol.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_id: dict[int, SymbolBook] = {}
        self._by_symbol: dict[str, SymbolBook] = {}
        self.events_applied = 0
        for instrument in instruments:
            if instrument.instrument_id in self._by_id or instrument.symbol in self._by_symbol:
                raise FeedError(f"two instruments are called {instrument.symbol}")
            symbol_book = SymbolBook(instrument)
            self._by_id[instrument.instrument_id] = symbol_book
            self._by_symbol[instrument.symbol] = symbol_book

    def __iter__(self) -> Iterator[SymbolBook]:
        return iter(self._by_symbol.values())

    def __len__(self) -> int:
        return len(self._by_symbol)

    def get(self, symbol: str) -> SymbolBook | None:
        """Return the symbol's book, `None` if there is no such symbol."""
        return self._by_symbol.get(symbol)

    def symbols(self) -> list[str]:
        """Return every symbol, in the feed's order."""
        return list(self._by_symbol)

    def apply(self, events: Events) -> None:
        """Apply whole changes, of one instrument or several, in order.

        Raises:
            FeedError: if events name an instrument that the feed has not announced.
        """
        for batch in by_instrument(events):
            symbol_book = self._by_id.get(batch.instrument_id)
            if symbol_book is None:
                raise FeedError(f"events of an unknown instrument id {batch.instrument_id}")
            symbol_book.book.apply(batch.events)
            symbol_book.status = FeedStatus.LIVE
            self.events_applied += len(batch.events)

    def mark_stale(self) -> None:
        """Say that no symbol's book can be trusted any longer."""
        for symbol_book in self:
            symbol_book.status = FeedStatus.STALE
